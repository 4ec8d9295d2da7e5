import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { TestContext } from 'vitest';

/** Skips the test, and says so loudly, where no pseudo-terminal can be had: `script` of util-linux makes one. */
export function needsTerminal(context: TestContext): void {
  const { status } = spawnSync('script', ['-qfec', 'stty -a', '/dev/null']);
  context.skip(status !== 0, 'not proven: script and stty, which give a terminal, are not here');
}

/** One program in a terminal of its own. */
export interface TerminalSession {
  /** Everything that the terminal has shown so far. */
  readonly shown: string;
  /** Resolves once the terminal has shown `text`, with what came before and after it. */
  until(text: string): Promise<void>;
  /** Presses keys, given as bytes, which are wiped. */
  press(keys: string | Uint8Array): void;
  /** Whether the terminal echoes what is typed, asked of the terminal itself from outside. */
  echoes(): boolean;
  /** Gives the terminal back to its line editor, with echo, as a shell does while a job of its is stopped. */
  takeBack(): void;
  /** The number that a shell gives for how the program ended (130: SIGINT, 143: SIGTERM), and whether echo is on after it. */
  ended(): Promise<{ code: number; echo: boolean }>;
}

/**
 * Runs Node with `args` as the foreground job of a shell in a new terminal. The shell tells which terminal it is, and when
 * the job is over how it ended and what `stty` says of the echo then.
 */
export async function openTerminal(args: readonly string[]): Promise<TerminalSession> {
  const words = [process.execPath, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const line = `trap : INT TERM HUP; tty; ${words.join(' ')}; echo "ended=$?"; stty -a; echo over`;
  const child = spawn('script', ['-qfec', line, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const session = new Session(child);
  await session.until('\n');
  return session;
}

class Session implements TerminalSession {
  shown = '';
  readonly #child: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #over = false;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('latin1').on('data', (text: string) => {
      this.shown += text;
      for (const watcher of this.#watchers) watcher();
    });
    child.on('close', () => {
      this.#over = true;
      for (const watcher of this.#watchers) watcher();
    });
  }

  until(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const watcher = (): void => {
        if (this.shown.includes(text)) resolve();
        else if (this.#over) reject(new Error(`the terminal never showed ${text}:\n${this.shown}`));
        else return;
        this.#watchers.delete(watcher);
      };
      this.#watchers.add(watcher);
      watcher();
    });
  }

  press(keys: string | Uint8Array): void {
    this.#child.stdin?.write(keys, () => {
      if (typeof keys !== 'string') keys.fill(0);
    });
  }

  echoes(): boolean {
    return echoIn(this.#stty('-a'));
  }

  takeBack(): void {
    this.#stty('sane');
  }

  /** Of the terminal that the shell named first. */
  #stty(word: string): string {
    const [path = ''] = this.shown.split(/\r?\n/);
    const { stdout, stderr, status } = spawnSync('stty', ['-F', path, word]);
    if (status !== 0) throw new Error(stderr.toString());
    return stdout.toString();
  }

  async ended(): Promise<{ code: number; echo: boolean }> {
    await this.until('over\r\n');
    const after = this.shown.slice(this.shown.indexOf('ended='));
    return { code: Number(/ended=(\d+)/.exec(after)?.[1]), echo: echoIn(after) };
  }
}

/** What `stty -a` says of the echo: `echo` or `-echo`, apart from `echoe` and its kin. */
function echoIn(settings: string): boolean {
  const found = /(?:^|\s)(-?)echo(?=[\s;]|$)/m.exec(settings);
  if (found === null) throw new Error(`stty does not say whether there is an echo:\n${settings}`);
  return found[1] === '';
}
