import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Hit, Marker } from '../memory-scan.mjs';

/** What another process found in a quiet one. */
export interface Watched {
  /** What the program said of itself. */
  readonly said: Record<string, unknown>;
  /** Copies in pages that are locked, which are those of the secret itself. */
  readonly locked: number;
  /** All others. */
  readonly others: readonly Hit[];
  /** Whether the kernel shows the secret to whoever may read the environment of the process. */
  readonly inEnvironment: boolean;
}

/** A program, its arguments and its whole environment. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Written to its standard input, which then stays open. */
  readonly input?: Uint8Array;
}

/**
 * Runs a program until it has said one line of JSON and waits for the end of its input; looks at it then, and ends it.
 * `whileQuiet` may look for more.
 */
export async function watch(
  command: Command,
  marker: Marker,
  whileQuiet: (pid: number) => void = () => {},
): Promise<Watched> {
  const child = spawn(command.program, command.args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...command.environment },
  });
  let complaints = '';
  child.stderr.on('data', (chunk) => {
    complaints += chunk;
  });
  const ended = once(child, 'close');
  try {
    if (command.input !== undefined) child.stdin.write(command.input);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const line = await lines.next();
    if (line.done === true) throw new Error(`the program said nothing: ${complaints}`);
    const pid = child.pid as number;
    const hits = marker.find({ pid });
    whileQuiet(pid);
    return {
      said: JSON.parse(line.value),
      locked: hits.filter(({ locked }) => locked).length,
      others: hits.filter(({ locked }) => !locked),
      inEnvironment: readFileSync(`/proc/${pid}/environ`).includes(textOf(marker)),
    };
  } finally {
    child.stdin.end();
    await ended;
  }
}

/** The marker in clear, for a process that is not the one that is looked at. */
export function textOf(marker: Marker): string {
  return Buffer.from(marker.fill(new Uint8Array(new ArrayBuffer(marker.byteLength)))).toString(
    'latin1',
  );
}
