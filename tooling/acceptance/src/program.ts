import { type ChildProcess, spawn } from 'node:child_process';

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said, one JSON object a line. */
  readonly said: Record<string, unknown>[];
  readonly stderr: string;
}

/**
 * Runs a program of Node that says what it does in lines of JSON. `onSaid` hears each line as it comes, and may answer with
 * a signal: that is how a test waits for a child without guessing how long it takes.
 */
export function runProgram(
  args: readonly string[],
  onSaid: (said: Record<string, unknown>, child: ChildProcess) => void = () => {},
): Promise<ProgramEnd> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said: Record<string, unknown>[] = [];
  let stderr = '';
  let rest = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  child.stdout.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      said.push(JSON.parse(line));
      onSaid(said.at(-1) ?? {}, child);
    }
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, said, stderr }));
  });
}
