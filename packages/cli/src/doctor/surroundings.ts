import { existsSync } from 'node:fs';
import type { Surroundings } from './facts.js';

/** Who started this process, by the marks that each leaves; the nearest to the process wins. */
export function surroundingsOf(
  env: Readonly<Record<string, string | undefined>>,
  exists: (path: string) => boolean = existsSync,
): Surroundings {
  if (env['AWS_LAMBDA_FUNCTION_NAME'] !== undefined) return 'lambda';
  if (env['AWS_EXECUTION_ENV'] === 'AWS_ECS_FARGATE') return 'fargate';
  if (env['KUBERNETES_SERVICE_HOST'] !== undefined) return 'kubernetes';
  if (exists('/.dockerenv') || exists('/run/.containerenv')) return 'docker';
  if (env['INVOCATION_ID'] !== undefined) return 'systemd';
  return 'shell';
}
