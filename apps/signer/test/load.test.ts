import { readFileSync } from 'node:fs';
import { koffiBackend } from '@securemem/koffi';
import { repetitions } from '@securemem/proof';
import autocannon from 'autocannon';
import { eip191Signer } from 'micro-eth-signer';
import { expect, test } from 'vitest';
import { makeFiles, TOKEN } from './service.js';
import { ServiceProcess, unconfinedBecause } from './service-process.js';

const CONNECTIONS = 1_000;
const SECONDS = 20;
/** Of one round outside the full run: by count, so that a slow machine is only slower. */
const REQUESTS = 2_000;
const full = repetitions(SECONDS) === SECONDS;
const ROUNDS = 3;
const LIMIT = 65_536;
const TEXT = 'under load';
const LOOK_MS = 20;
/** Of the resident memory after the first round. */
const GROWTH_MAX = 1.25;

function statusOf(pid: number, field: 'VmLck' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1_024;
}

/** What one round of load showed. Signatures are deterministic (RFC 6979), so all that verify are one. */
class Round {
  readonly statuses = new Map<number, number>();
  readonly signatures = new Set<string>();
  pushedBackWithoutRetryAfter = 0;
  lockedPeak = 0;
  errors = 0;

  count(status: number, body: string, headers: Readonly<Record<string, string>>): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (status === 200) this.signatures.add((JSON.parse(body) as { signature: string }).signature);
    const names = Object.keys(headers).map((name) => name.toLowerCase());
    if (status !== 200 && !names.includes('retry-after')) this.pushedBackWithoutRetryAfter++;
  }
}

async function underLoad(service: ServiceProcess, address: string): Promise<Round> {
  const pid = service.child.pid as number;
  const round = new Round();
  const timer = setInterval(() => {
    round.lockedPeak = Math.max(round.lockedPeak, statusOf(pid, 'VmLck'));
  }, LOOK_MS);
  const { errors, timeouts } = await autocannon({
    url: service.url,
    connections: CONNECTIONS,
    ...(full ? { duration: SECONDS } : { amount: REQUESTS }),
    timeout: 30,
    requests: [
      {
        method: 'POST',
        path: `/v1/keys/${address}/messages`,
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ text: TEXT }),
        onResponse: (status, body, _context, headers) => round.count(status, body, headers),
      },
    ],
  });
  clearInterval(timer);
  round.errors = errors + timeouts;
  return round;
}

test('A2 1,000 connections under a 64 KiB limit get signatures that verify, or are told to come back', {
  timeout: 240_000,
}, async (ctx) => {
  const probe = koffiBackend.probe();
  if (!probe.available) ctx.skip(`not proven: ${probe.reason}`);
  const reason = unconfinedBecause();
  if (reason !== undefined) ctx.skip(`not proven: ${reason}`);
  const service = await ServiceProcess.start(makeFiles(), ['--approval', '5'], true);
  try {
    const { address } = (await (await service.post('/v1/keys')).json()) as { address: string };
    const resident: number[] = [];
    for (let at = 0; at < ROUNDS; at++) {
      const round = await underLoad(service, address);
      expect([...round.statuses.keys()].filter((code) => ![200, 429, 503].includes(code))).toEqual(
        [],
      );
      expect(round.pushedBackWithoutRetryAfter).toBe(0);
      expect(round.errors).toBe(0);
      expect(round.statuses.get(200) ?? 0).toBeGreaterThan(0);
      expect(round.signatures.size).toBe(1);
      for (const signature of round.signatures) {
        expect(eip191Signer.verify(signature, TEXT, address)).toBe(true);
      }
      expect(round.lockedPeak).toBeGreaterThanOrEqual(49_152);
      expect(round.lockedPeak).toBeLessThanOrEqual(LIMIT);
      resident.push(statusOf(service.child.pid as number, 'VmRSS'));
    }
    // Short rounds are all warming up; only the full run says something about growth.
    if (full) {
      expect(resident.at(-1)).toBeLessThan((resident[0] as number) * GROWTH_MAX);
    }
    expect(service.problems).toEqual([]);
  } finally {
    expect(await service.end('SIGTERM')).toBe(0);
  }
});
