import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createMarker } from '../memory-scan.mjs';
import { consumers, sources } from './cases.mjs';
import type { Certificate } from './certificate.js';
import { textOf, watch } from './watched.js';

const PROGRAM = fileURLToPath(new URL('./end.mjs', import.meta.url));
const GROUPS = { sources, consumers };

/** A row of the table, and how many copies were found outside pages that are locked. */
export interface EndRow {
  readonly group: keyof typeof GROUPS;
  readonly what: string;
  readonly call: string;
  readonly copies: number;
}

/** Runs each case in a process of this program, and looks at it from here. */
export async function measureEnds(program: string, certificate: Certificate): Promise<EndRow[]> {
  const directory = mkdtempSync(join(tmpdir(), 'securemem-ends-'));
  const caFile = join(directory, 'ca.pem');
  writeFileSync(caFile, certificate.cert);
  let answer = '';
  const server = createServer({ ...certificate }, (_, response) => {
    response.setHeader('content-length', Buffer.byteLength(answer)).end(answer);
  }).listen(0);
  await once(server, 'listening');
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  const rows: EndRow[] = [];
  try {
    for (const group of ['sources', 'consumers'] as const) {
      for (const [index, { what, call, ...one }] of GROUPS[group].entries()) {
        const marker = createMarker().asText('base64url');
        answer = JSON.stringify({ data: { key: group === 'sources' ? textOf(marker) : 'other' } });
        const args = [PROGRAM, group, String(index), marker.masked(), origin, caFile];
        const environment = one.variable === true ? { APP_KEY: textOf(marker) } : {};
        const { others } = await watch({ program, args, environment }, marker);
        rows.push({ group, what, call, copies: others.length });
      }
    }
    return rows;
  } finally {
    server.close();
    rmSync(directory, { recursive: true });
  }
}

/** Counts differ with what the collector did; whether there are any does not. */
export const cellOf = ({ copies }: EndRow): string => (copies === 0 ? 'none' : '1 or more');
