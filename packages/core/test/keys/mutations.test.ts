import type { KeyObject } from 'node:crypto';
import { repetitions } from '@securemem/proof';
import { expect, it } from 'vitest';
import { open } from '../fixture.js';
import { type DoorName, pass } from './doors.js';
import { Mutator } from './mutator.js';
import { nodeKey, pemOf, privatePartOf, sampleOf, TYPES } from './samples.js';

/** A file, and what Node would make of another that has the same form. */
interface Original {
  readonly name: string;
  readonly door: DoorName;
  readonly file: Buffer;
  readonly node: (file: Buffer) => KeyObject | undefined;
}

const LABELS = { pkcs8: 'PRIVATE KEY', sec1: 'EC PRIVATE KEY', pkcs1: 'RSA PRIVATE KEY' } as const;

function* originals(): Generator<Original> {
  for (const name of TYPES) {
    const { key, jwk } = sampleOf(name);
    const own = name === 'RSA' ? 'pkcs1' : name.includes('25519') ? undefined : 'sec1';
    for (const type of own === undefined ? (['pkcs8'] as const) : (['pkcs8', own] as const)) {
      const file = key.export({ format: 'der', type: type as 'pkcs8' });
      yield {
        name: `${name} ${type}`,
        door: 'fromDer',
        file,
        node: (changed) =>
          nodeKey({ key: changed, format: 'der', type: 'pkcs8' }) ??
          nodeKey({ key: changed, format: 'der', type: 'sec1' }) ??
          nodeKey({ key: changed, format: 'der', type: 'pkcs1' }),
      };
      const pem = Buffer.from(pemOf(LABELS[type], file));
      yield {
        name: `${name} ${type}`,
        door: 'fromPem',
        file: pem,
        node: (key) => nodeKey({ key, format: 'pem' }),
      };
    }
    yield {
      name,
      door: 'fromJwk',
      file: Buffer.from(JSON.stringify(jwk)),
      node: (changed) => {
        try {
          return nodeKey({ key: JSON.parse(changed.toString('utf8')), format: 'jwk' });
        } catch {
          return undefined;
        }
      },
    };
  }
}

it('K4 takes no file of 10,000 mutated ones that node:crypto refuses, and finds the same private part', async () => {
  const { memory } = open();
  const all = [...originals()];
  const mutator = new Mutator(20261130);
  const runs = repetitions(10_000);
  const counts = { both: 0, refused: 0, stricter: 0 };
  for (let run = 0; run < runs; run++) {
    const { name, door, file, node } = all[run % all.length] as Original;
    const changed = mutator.change(file);
    const outcome = await pass(memory, door, changed);
    const key = node(changed);
    if (typeof outcome === 'string') {
      counts[key === undefined ? 'refused' : 'stricter']++;
      continue;
    }
    const seen = `${name} ${door} ${changed.toString('hex')}`;
    if (key === undefined) throw new Error(`node:crypto refuses what was taken: ${seen}`);
    expect([seen, outcome.privatePart.toString('hex')]).toEqual([
      seen,
      privatePartOf(key).toString('hex'),
    ]);
    counts.both++;
  }
  console.info(JSON.stringify(counts));
  expect(counts.refused).toBeGreaterThan(runs / 4);
  expect(counts.both).toBeGreaterThan(runs / 100);
}, 300_000);
