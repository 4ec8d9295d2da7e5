import { readFileSync } from 'node:fs';
import { arch, cpus, release } from 'node:os';
import {
  type BackendCapabilities,
  CONTRACT_VERSION,
  type MemoryBackend,
} from '@securemem/core/contract';
import type { RequirementResult } from './run-requirement.js';

/** What a backend says of itself. */
export interface Subject {
  readonly name: string;
  readonly contractVersion: number;
  readonly pageByteLength: number;
  readonly capabilities: BackendCapabilities;
}

export function subjectOf(backend: MemoryBackend): Subject {
  const { name, contractVersion, pageByteLength, capabilities } = backend;
  return { name, contractVersion, pageByteLength, capabilities: { ...capabilities } };
}

/** What a backend claims, and what became of every requirement. Plain data, ready for JSON. */
export interface Report {
  readonly contractVersion: number;
  /** The version of this package. A new requirement is a minor release. */
  readonly suiteVersion: string;
  readonly backend: Subject;
  /** Who was asked instead of the backend. */
  readonly evidence: string;
  readonly machine: {
    readonly platform: string;
    readonly arch: string;
    readonly release: string;
    readonly runtime: string;
    readonly processors: number;
  };
  /** When the run began, ISO 8601. */
  readonly date: string;
  readonly durationMs: number;
  /** Repeats the random sequences. */
  readonly seed: number;
  readonly thorough: boolean;
  readonly results: readonly RequirementResult[];
  readonly passed: number;
  readonly failed: number;
  readonly notProven: number;
}

export interface ReportInput {
  readonly subject: Subject;
  readonly evidence: string;
  readonly startedAt: Date;
  readonly seed: number;
  readonly thorough: boolean;
  readonly results: readonly RequirementResult[];
}

export function reportOf(input: ReportInput): Report {
  const { subject, evidence, startedAt, seed, thorough, results } = input;
  const count = (outcome: RequirementResult['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length;
  return {
    contractVersion: CONTRACT_VERSION,
    suiteVersion: suiteVersion(),
    backend: subject,
    evidence,
    machine: {
      platform: process.platform,
      arch: arch(),
      release: release(),
      runtime: runtimeName(),
      processors: cpus().length,
    },
    date: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    seed,
    thorough,
    results,
    passed: count('passed'),
    failed: count('failed'),
    notProven: count('not proven'),
  };
}

function suiteVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function runtimeName(): string {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node.js ${node}` : `Deno ${deno}`;
}
