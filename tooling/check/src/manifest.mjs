/**
 * What every published package has to say of itself. publint and attw judge whether what is said is true; they do not
 * mind what is missing.
 *
 * @param {any} manifest as it was packed @param {string} engine the Node that the workspace supports
 */
export function manifestProblems(manifest, engine) {
  const { name, exports = {}, publishConfig = {}, repository = {} } = manifest;
  const main = exports['.'] ?? {};
  /** @type {readonly [unknown, string][]} */
  const demands = [
    [manifest.license === 'MIT', 'license is not MIT'],
    [manifest.description, 'description is missing'],
    [repository.url && repository.directory, 'repository has no url or no directory'],
    [manifest.engines?.node === engine, `engines.node is not ${engine}`],
    [manifest.sideEffects === false, 'sideEffects is not false'],
    [publishConfig.access === 'public', 'publishConfig.access is not public'],
    [manifest.homepage && manifest.bugs, 'homepage or bugs is missing'],
    [
      publishConfig.provenance === undefined,
      'publishConfig.provenance would make the first publish, which is by hand, fail',
    ],
    [main.import?.default && main.import.types, 'the main entry has no ES module with types'],
    [main.require?.default && main.require.types, 'the main entry has no CommonJS with types'],
    [exports['./package.json'], './package.json is not exported'],
    [scriptsOf(manifest).length === 0, `runs at install: ${scriptsOf(manifest).join(', ')}`],
    [unresolved(manifest).length === 0, `is not published: ${unresolved(manifest).join(', ')}`],
  ];
  return demands.filter(([holds]) => !holds).map(([, problem]) => `${name}: ${problem}`);
}

/** Scripts that a package manager runs for whoever installs the package. @param {any} manifest */
function scriptsOf({ scripts = {} }) {
  return ['preinstall', 'install', 'postinstall', 'prepare'].filter((name) => name in scripts);
}

/** Dependencies that only the workspace can resolve. @param {any} manifest */
function unresolved({ dependencies, peerDependencies, optionalDependencies }) {
  return Object.entries({ ...dependencies, ...peerDependencies, ...optionalDependencies })
    .filter(([, range]) => /^(workspace|link|file|catalog):/.test(String(range)))
    .map(([name, range]) => `${name}@${range}`);
}
