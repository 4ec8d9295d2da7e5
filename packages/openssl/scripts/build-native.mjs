#!/usr/bin/env node
// Builds the addon for each Linux that a compiler is installed for, as @securemem/napi is built: one shared object per target, in
// prebuilds/<platform>-<arch>/securemem-openssl.node. It is never unloaded, since OpenSSL keeps what it was given.
//
//   build-native.mjs                       every target that can be built here
//   build-native.mjs --host-if-possible    this machine only; where it cannot be built it says so and succeeds
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  compile,
  compilerFor,
  Results,
  run,
  say,
  tool,
} from '../../backend-napi/scripts/compiling.mjs';
import {
  COMMON,
  CXX,
  HOST,
  NATIVE as OF_NAPI,
  RSA,
  TARGETS,
} from '../../backend-napi/scripts/targets.mjs';

const SCRIPTS = dirname(fileURLToPath(import.meta.url));
const ROOT = join(SCRIPTS, '..');
const NATIVE = join(ROOT, 'native');
/** The private operation of RSA, and the little that is needed of the C++ library. */
const OF_NAPI_TOO = [...RSA, 'freestanding.cc'];
const results = new Results(ROOT, [SCRIPTS, NATIVE, OF_NAPI]);

function sources(target) {
  const flags = [...COMMON, ...CXX, ...target.compile, `-I${NATIVE}`, `-I${OF_NAPI}`];
  const own = readdirSync(NATIVE).filter((name) => name.endsWith('.cc'));
  const paths = [
    ...own.map((name) => join(NATIVE, name)),
    ...OF_NAPI_TOO.map((name) => join(OF_NAPI, name)),
  ];
  return paths.map((path) => ({ path, compiler: 'g++', flags }));
}

function buildTarget(name) {
  const output = join(ROOT, 'prebuilds', name, 'securemem-openssl.node');
  if (results.isFresh(output)) {
    say(`build-native: openssl for ${name} is up to date`);
    return;
  }
  const target = TARGETS[name];
  const prefix = compilerFor(target);
  if (prefix === undefined) {
    say(`build-native: openssl for ${name} NOT BUILT: no compiler`);
    return;
  }
  results.make(output, (folder) => {
    const made = join(folder, 'securemem-openssl.node');
    const objects = compile(target, prefix, sources(target), folder);
    run(tool(target, prefix, 'g++'), [
      '-s',
      ...target.link,
      '-Wl,-z,nodelete',
      ...objects,
      '-o',
      made,
    ]);
    return made;
  });
  say(`build-native: openssl for ${name} built`);
}

const names = Object.keys(TARGETS).filter((name) => name.startsWith('linux-'));
const here = process.argv.includes('--host-if-possible')
  ? names.filter((name) => name === HOST)
  : names;
if (here.length === 0) say(`build-native: there is no provider for ${HOST}`);
for (const name of here) buildTarget(name);
