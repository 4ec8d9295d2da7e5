/**
 * Which way dependencies run, as data. The first rule whose `files` matches a source file is the one that holds for
 * it; `may` lists the module names it may import, where `pkg/*` stands for any subpath. Imports relative to the file
 * are judged apart: they never leave the package, and never leave `within` where that is given.
 *
 * @typedef {object} Direction
 * @property {RegExp} files
 * @property {readonly string[] | 'declared'} may
 * @property {readonly string[]} [bundles] private packages that the build takes into this one: nobody has to install them
 * @property {string} [within]
 * @property {string} because
 */

/** @type {readonly Direction[]} */
export const directions = [
  {
    files: /^packages\/core\/src\/contract\//,
    may: [],
    within: 'packages/core/src/contract',
    because: 'the contract imports nothing, so that a backend carries the weight of nothing else',
  },
  {
    files: /^packages\/core\/src\//,
    may: ['node:*'],
    because: 'core has no runtime dependency and knows no backend',
  },
  {
    files: /^packages\/backend-koffi\/src\//,
    may: ['node:*', '@securemem/core/contract', 'koffi'],
    bundles: ['@securemem/over-ffi'],
    because: 'a backend is mechanism: it knows the contract and its own native dependency',
  },
  {
    files: /^packages\/over-ffi\/src\//,
    may: ['node:*', '@securemem/core/contract'],
    because: 'what native backends share knows the contract, and no way to call C functions',
  },
  {
    files: /^packages\/backend-ffi\/src\//,
    may: ['node:*', '@securemem/core/contract'],
    bundles: ['@securemem/over-ffi'],
    because: 'this backend has no dependency at all',
  },
  {
    files: /^packages\/backend-napi\/src\//,
    may: ['node:*', '@securemem/core/contract', 'node-gyp-build'],
    bundles: ['@securemem/over-ffi'],
    because: 'a backend is mechanism: it knows the contract and its own native dependency',
  },
  {
    files: /^packages\/openssl\/src\//,
    may: ['node:*', '@securemem/core/contract', 'node-gyp-build'],
    because: 'it knows the contract and its own addon; backends look for it, and it knows none',
  },
  {
    files: /^packages\/backend-nolock\/src\//,
    may: ['node:*', '@securemem/core/contract'],
    because: 'a backend is mechanism: it knows the contract and its own native dependency',
  },
  {
    files: /^packages\/conformance\/src\//,
    may: ['node:*', '@securemem/core/contract', 'fast-check', 'koffi'],
    because: 'the suite knows the contract; the runner and the backend are injected',
  },
  {
    files: /^packages\/keeper\/src\//,
    may: ['node:*', '@securemem/core', '@securemem/core/*'],
    because: 'the module that a keeper runs brings the backend',
  },
  {
    files: /^(packages\/[^/]+\/(test|build|native)|packages\/cli|apps|examples|tooling)\//,
    may: 'declared',
    because: 'whatever is used is declared, and only what a package exports can be used',
  },
];

/** What may be written in a few places only.
 *  @type {readonly { pattern: RegExp, files: RegExp, except: RegExp, because: string }[]} */
export const confinedWords = [
  {
    pattern: /\bprocess\.(on|once|addListener|prependListener|prependOnceListener)\(/,
    files: /^packages\/[^/]+\/src\//,
    except:
      /^packages\/(core\/src\/(places\/(shutdown|signals)|contract\/runtime-debugger)\.ts|keeper\/src\/|cli\/src\/|conformance\/src\/child\/)/,
    because:
      'only the exit hooks of core, hardening and the keeper install handlers on the process',
  },
  {
    pattern: /\bbackend\.(map|protect|unmap)\(/,
    files: /^packages\/core\/src\//,
    except: /^packages\/core\/src\/(placement\/regions?\.ts|testing\/)/,
    because: 'two files own the life of regions',
  },
  {
    pattern: /\.fill\(\s*0\b|\.prototype\.fill\b|\bfill\.(call|apply)\(/,
    files: /^(packages|apps)\/[^/]+\/src\//,
    except:
      /^packages\/(core\/src\/(contract\/zero\.ts|testing\/)|conformance\/src\/requirements\/)/,
    because:
      'a fill that is looked up at the call is whatever somebody put in its place: wipe with zero()',
  },
];
