import assert from 'node:assert/strict';
import { isSecureMemoryError } from '@securemem/core';
import { findString } from '@securemem/core/src/ingest/json-document.js';
import { pointerSteps } from '@securemem/core/src/ingest/json-pointer.js';
import { readString } from '@securemem/core/src/ingest/json-string.js';
import { oddJson } from '../channel/odd-json.js';
import type { Random } from '../random.mjs';
import type { Target, TargetDefinition } from '../target.mjs';
import { answerOf, depthOf, membersOf, textOf } from './json-model.js';

/**
 * The scanner of `fromJson`: any bytes, and a pointer to every value that they have. It takes and refuses what the model says,
 * which is `JSON.parse` and a few lines more.
 */
const definition: TargetDefinition = { byteLengthMax: 70_000, make: document, open };
export default definition;

const DEPTH_MAX = 128;
/** Pointers that are tried in one document. */
const POINTERS_MAX = 24;

const STRINGS = [
  '"\\ud83d\\ude00"',
  '"\\ud83d"',
  '"\\ude00\\ud83d"',
  '"\\u0000\\"\\\\\\/\\b\\f\\n\\r\\t"',
  '"a~b/c"',
  '"\u00e4\u20ac\ud83d\ude00"',
];

function document(random: Random): Uint8Array {
  const strings = Array.from({ length: random.below(4) }, () => random.of(STRINGS));
  const text = oddJson(random);
  const members = strings.map((string) => `${random.of(STRINGS)}:${string}`);
  const whole = random.of([text, `[${[text, ...strings].join()}]`, `{${members.join()}}`]);
  return Uint8Array.from(Buffer.from(whole));
}

function open(): Target {
  return {
    run(bytes) {
      const features = new Set<string>();
      const text = textOf(bytes);
      const root = text === undefined ? undefined : membersOf(text);
      const depth = text === undefined ? 0 : depthOf(text);
      const pointers = root === undefined || depth > DEPTH_MAX ? [] : [...root.pointers()];
      for (const pointer of ['', '/none', ...pointers.slice(0, POINTERS_MAX)]) {
        const said = taken(bytes, pointer);
        const wanted = depth > DEPTH_MAX ? { refused: 'depth' } : answerOf(root, pointer);
        features.add('refused' in said ? said.refused : 'taken');
        if (text === undefined) assert.ok('refused' in said, 'what is no document is refused');
        else if (root === undefined) assertRefused(said, ['syntax', 'depth']);
        else assert.deepEqual(said, wanted, `what ${pointer} leads to`);
      }
      return features;
    },
  };
}

type Said = { readonly refused: string } | { readonly taken: string };

/** A document that is wrong in two ways is refused for the one that comes first. */
function assertRefused(said: Said, reasons: readonly string[]): void {
  assert.ok('refused' in said && reasons.includes(said.refused), `taken: ${JSON.stringify(said)}`);
}

function taken(bytes: Uint8Array, pointer: string): Said {
  const copy = Uint8Array.from(bytes);
  try {
    const { start, byteLength } = findString(copy, pointerSteps(pointer));
    assert.deepEqual(copy, bytes, 'looking changes nothing');
    readString(copy, start, (byte, index) => {
      copy[index] = byte;
    });
    return { taken: Buffer.from(copy.subarray(0, byteLength)).toString('utf8') };
  } catch (error) {
    if (!isSecureMemoryError(error, 'ERR_SECMEM_INPUT_INVALID')) throw error;
    const { reason, byteOffset } = error.details;
    assert.ok(Number(byteOffset) >= 0 && Number(byteOffset) <= bytes.length, 'a place inside');
    return { refused: String(reason) };
  }
}
