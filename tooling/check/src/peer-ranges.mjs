/**
 * Ranges of peers. A peer range without an upper bound lets the next breaking version in, and one whose lower bound is older
 * than what the package was built with shows as a SyntaxError at import. So a range has both: `>=BUILT_WITH <NEXT_BREAKING`.
 */

/**
 * The next version that may break whoever uses this one (semver.org 2.0.0, items 4 and 8): the next minor below 1.0.0, the
 * next major from there on.
 * @param {string} version
 */
export function nextBreaking(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 0 ? `${major + 1}.0.0` : `0.${minor + 1}.0`;
}

/** The range of a package that was built with this version of its peer. @param {string} version */
export function rangeFor(version) {
  return `>=${version} <${nextBreaking(version)}`;
}

/**
 * @typedef {{ name: string, version: string, peerDependencies?: Record<string, string> }} Manifest
 * @param {readonly Manifest[]} manifests of the workspace @returns {string[]} one line for each range that is wrong
 */
export function peerRangeProblems(manifests) {
  const versions = new Map(manifests.map(({ name, version }) => [name, version]));
  return manifests.flatMap(({ name, peerDependencies = {} }) =>
    Object.entries(peerDependencies).flatMap(([peer, range]) => {
      const problem = problemOf(range, versions.get(peer));
      return problem === undefined ? [] : [`${name}: peer ${peer}@${range} ${problem}`];
    }),
  );
}

/**
 * Packages that would stay behind at a breaking release: their version is linked to nobody's, and so is the range that others have of
 * them.
 * @param {readonly { name: string, private?: boolean }[]} manifests of the workspace
 * @param {{ linked: readonly (readonly string[])[] }} config of changesets
 * @returns {string[]} one line for each
 */
export function unlinkedPackages(manifests, { linked }) {
  const known = new Set(linked.flat());
  return manifests
    .filter((manifest) => manifest.private !== true && !known.has(manifest.name))
    .map(
      ({ name }) =>
        `${name}: not linked in .changeset/config.json, so a breaking release of core leaves it behind`,
    );
}

/** @param {string} range @param {string | undefined} version of a peer that is ours */
function problemOf(range, version) {
  const bounds = /^>=(\d+\.\d+\.\d+) <(\d+\.\d+\.\d+)$/.exec(range);
  if (bounds === null) return 'has not two bounds, as in >=1.2.3 <2.0.0';
  if (version === undefined) return undefined;
  const [, lower = '', upper = ''] = bounds;
  const breaking = nextBreaking(version);
  if (upper !== breaking) return `should end at ${breaking}, the next breaking version`;
  return order(lower, version) > 0 ? `asks for more than ${version}` : undefined;
}

/** @param {string} left @param {string} right */
function order(left, right) {
  return left.localeCompare(right, 'en', { numeric: true });
}
