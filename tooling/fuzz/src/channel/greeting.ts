import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROTOCOL_VERSION, ProtocolViolation } from '@securemem/keeper/src/channel/frame.js';
import { type Hello, readHello } from '@securemem/keeper/src/child/hello.js';
import type { Random } from '../random.mjs';
import type { Target, TargetDefinition } from '../target.mjs';
import { featuresOf, KIND, readStream, stream, TEXT_BYTE_LENGTH_MAX } from './frames.js';
import { objectIn } from './json.js';
import { areNames } from './names.js';
import { oddJson } from './odd-json.js';

/** The greeting that a keeper reads from its host first: taken or refused as the model says, by nothing but a violation. */
const definition: TargetDefinition = { byteLengthMax: 70_000, make: greeting, open };
export default definition;

const HONEST = {
  version: PROTOCOL_VERSION,
  moduleUrl: 'file:///module.mjs',
  limits: { coreByteLengthMax: 0 },
  askedLimits: [] as string[],
  payloadByteLengthMax: 64,
  callsMax: 1,
  hostCallsMax: 1,
  hostFunctions: ['act'],
  descriptors: [5],
};

/** A greeting with up to two fields that are anything. */
function greeting(random: Random): Uint8Array {
  const fields = new Map(
    Object.entries(HONEST).map(([name, value]) => [name, JSON.stringify(value)]),
  );
  for (let left = random.below(3); left > 0; left -= 1)
    fields.set(random.of([...fields.keys()]), oddJson(random));
  if (random.chance(0.1)) fields.delete(random.of([...fields.keys()]));
  const text = `{${[...fields].map(([name, value]) => `"${name}":${value}`).join(',')}}`;
  const body = random.chance(0.1) ? oddJson(random) : text;
  return stream([{ kind: KIND.hello, generation: random.below(3), body }]);
}

/** It is read from a descriptor that blocks, so each lies in a file. */
function open(): Target {
  const folder = mkdtempSync(join(tmpdir(), 'securemem-greeting-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'greeting');
  return {
    run(bytes) {
      writeFileSync(file, bytes);
      const descriptor = openSync(file, 'r');
      try {
        const hello = taken(descriptor);
        assert.equal(hello !== undefined, isGreeting(bytes), 'whether the greeting is taken');
        if (hello !== undefined) assert.equal(Object.getPrototypeOf(hello.limits), null);
        return featuresOf(bytes, hello === undefined ? 'refused' : 'taken');
      } finally {
        closeSync(descriptor);
      }
    },
  };
}

function taken(descriptor: number): Hello | undefined {
  try {
    return readHello(descriptor);
  } catch (error) {
    assert.ok(error instanceof ProtocolViolation, `an exception of our own: ${String(error)}`);
    return undefined;
  }
}

function isGreeting(bytes: Uint8Array): boolean {
  const [frame] = readStream(bytes);
  if (frame?.body === undefined || frame.kind !== KIND.hello) return false;
  if (frame.byteLength > TEXT_BYTE_LENGTH_MAX || frame.generation === 0) return false;
  const said = objectIn(frame.body);
  return said !== undefined && isHello(said);
}

function isHello(hello: Readonly<Record<string, unknown>>): boolean {
  const { version, moduleUrl, limits, askedLimits, hostFunctions, descriptors } = hello;
  return (
    version === PROTOCOL_VERSION &&
    typeof moduleUrl === 'string' &&
    typeof limits === 'object' &&
    limits !== null &&
    Object.values(limits).every(isCount) &&
    [hello['payloadByteLengthMax'], hello['callsMax'], hello['hostCallsMax']].every(isCount) &&
    areNames(askedLimits, 0) &&
    areNames(hostFunctions, 0) &&
    Array.isArray(descriptors) &&
    descriptors.every(isCount)
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
