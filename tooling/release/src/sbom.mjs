import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';
import { installedDependencies, vendoredParts } from '@securemem/check/licences';
import { root } from '@securemem/launch/workspace';
import { packagesOf } from './packages.mjs';

/**
 * Writes `sbom.cdx.json` (CycloneDX 1.6) into every package that is published: what an install brings along and what was
 * compiled in, with versions and licences. No time and no serial number is in it, so that two builds give equal bytes.
 */
const SPDX_ID = /^[A-Za-z0-9.+-]+$/;
const serializer = new Serialize.JsonSerializer(
  new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6),
);

for (const one of packagesOf(root)) {
  if (!one.manifest.private) writeFileSync(join(one.directory, 'sbom.cdx.json'), billOf(one));
}

/** @param {import('./packages.mjs').Package} one */
function billOf({ directory, manifest }) {
  const bill = new Models.Bom();
  const main = component(manifest.name, manifest.version, manifest.license);
  bill.metadata.component = main;
  const parts = [
    ...installedDependencies(manifest, directory, { ours: true }).map(
      ({ name, version, license }) => component(name, version, license),
    ),
    ...vendoredParts(directory).map(({ name, version, license }) =>
      component(name, version, license, ''),
    ),
  ];
  for (const part of parts) {
    bill.components.add(part);
    main.dependencies.add(part.bomRef);
  }
  return `${serializer.serialize(bill, { sortLists: true, space: 2 })}\n`;
}

/** @param {string} name @param {string} version @param {string} license as SPDX calls it */
function component(
  name,
  version,
  license,
  purl = `pkg:npm/${name.replace('@', '%40')}@${version}`,
) {
  const made = new Models.Component(Enums.ComponentType.Library, name, {
    ...(version === '' ? {} : { version }),
    bomRef: `${name}@${version}`,
    ...(purl === '' ? {} : { purl }),
  });
  made.licenses.add(
    SPDX_ID.test(license) ? new Models.SpdxLicense(license) : new Models.NamedLicense(license),
  );
  return made;
}
