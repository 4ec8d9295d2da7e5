import { renderReport, runConformance } from '@securemem/conformance';
import { open } from '../src/backend.js';

const module = new URL('../src/backend.js', import.meta.url);
const report = await runConformance({ open, module });
process.stdout.write(renderReport(report));
process.exitCode = report.failed === 0 ? 0 : 1;
