import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import getReleasePlan from '@changesets/get-release-plan';
import { nextBreaking, rangeFor } from '@securemem/check/peer-ranges';
import { root } from '@securemem/launch/workspace';
import { ownPeers, packagesOf, writeManifest } from './packages.mjs';

/**
 * What `changeset version` does, and the ranges of our peers, which it gets wrong in two ways: a range that a new version
 * leaves makes it call every dependent a major release, and 1.0.0 turns it into one without an upper bound. So the ranges are
 * open while it runs, and are written afterwards.
 */
const packages = packagesOf(root);
const before = versions(packages);
const ranges = new Map(packages.map(({ manifest }) => [manifest.name, manifest.peerDependencies]));

for (const one of packages) openRanges(one);
try {
  // With the ranges open, as `changeset version` sees them.
  const { releases } = await getReleasePlan(root);
  // The plan lists private dependents and those whose ranges still hold as well: as releases of no type.
  const planned = new Map(
    releases
      .filter(({ type }) => type !== 'none')
      .map(({ name, newVersion }) => [name, newVersion]),
  );
  releaseDependentsOfBreaking(planned);
  changesetVersion();
} finally {
  for (const one of packagesOf(root)) closeRanges(one);
}

/**
 * Whoever is not released with a breaking version of its peer could not be installed beside it.
 * @param {ReadonlyMap<string, string>} planned new versions by name
 */
function releaseDependentsOfBreaking(planned) {
  const breaking = [...planned].filter(
    ([name, version]) => nextBreaking(version) !== nextBreaking(before.get(name) ?? version),
  );
  for (const [peer, version] of breaking) {
    const left = packages
      .filter(({ manifest }) => !manifest.private && ownPeers(manifest).includes(peer))
      .filter(({ manifest }) => !planned.has(manifest.name));
    if (left.length === 0) continue;
    const bumps = left.map(({ manifest }) => `"${manifest.name}": patch`);
    const text = ['---', ...bumps, '---', '', `Goes with ${peer} ${version}.`, ''].join('\n');
    writeFileSync(join(root, '.changeset', `beside-${version}-${peer.split('/').at(-1)}.md`), text);
  }
}

/** @param {import('./packages.mjs').Package} one */
function openRanges({ directory, manifest }) {
  const peerDependencies = { ...manifest.peerDependencies };
  for (const peer of ownPeers(manifest)) peerDependencies[peer] = '*';
  if (ownPeers(manifest).length > 0) {
    writeManifest({ directory, manifest: { ...manifest, peerDependencies } });
  }
}

/** A package that is released was built with its peers as they are now. @param {import('./packages.mjs').Package} one */
function closeRanges({ directory, manifest }) {
  if (ownPeers(manifest).length === 0) return;
  const after = versions(packagesOf(root));
  const isReleased = manifest.private || manifest.version !== before.get(manifest.name);
  for (const peer of ownPeers(manifest)) {
    const version = after.get(peer) ?? '';
    const old = ranges.get(manifest.name)?.[peer];
    manifest.peerDependencies[peer] = isReleased ? rangeFor(version) : old;
  }
  writeManifest({ directory, manifest });
}

/** @param {readonly import('./packages.mjs').Package[]} all @returns {Map<string, string>} */
function versions(all) {
  return new Map(all.map(({ manifest }) => [manifest.name, manifest.version]));
}

function changesetVersion() {
  const cli = createRequire(join(root, 'package.json')).resolve('@changesets/cli/package.json');
  const { status } = spawnSync(process.execPath, [join(dirname(cli), 'bin.js'), 'version'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`changeset version ended with ${status}`);
}
