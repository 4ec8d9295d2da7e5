import { writeFileSync } from 'node:fs';
import {
  fakeEvidence,
  renderReport,
  runConformance,
  runConformanceIsolated,
} from '../../packages/conformance/dist/index.js';
import { createFakeKernel, fakeBackend } from '../../packages/core/dist/testing.js';

/**
 * Writes the report of every backend of this repository into this folder. Usage, after `npm run build`, as root on Linux
 * with util-linux: `node docs/reports/generate.mjs [NAME]…`. The one of ffi needs a Node that has `node:ffi`.
 */
const here = new URL('.', import.meta.url);
const wanted = process.argv.slice(2);

/** @param {string} name @param {import('../../packages/conformance/dist/index.js').Report} report */
function save(name, report) {
  writeFileSync(new URL(`${name}.txt`, here), renderReport(report));
  process.stdout.write(
    `${name}: ${report.passed} passed, ${report.failed} failed, ${report.notProven} not proven\n`,
  );
}

const hasFfi = process.getBuiltinModule('node:ffi') !== undefined;

for (const name of ['nolock', 'koffi', 'napi', 'ffi']) {
  if (wanted.length > 0 ? !wanted.includes(name) : name === 'ffi' && !hasFfi) continue;
  const module = new URL(`../../packages/backend-${name}/test/conformance-backend.mjs`, here);
  save(name, await runConformanceIsolated({ module }));
}

if (wanted.length === 0 || wanted.includes('fake')) {
  const kernel = createFakeKernel({
    lockLimit: { kind: 'bytes', byteLength: 2 ** 26 },
    mappingsMax: 3000,
  });
  const open = () => fakeBackend({ kernel });
  save('fake', await runConformance({ open, evidence: fakeEvidence(kernel, open) }));
}
