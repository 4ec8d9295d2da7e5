import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { throwIfAborted } from '../common/abort-signal.js';
import { SecureMemoryError } from '../contract/errors.js';
import { ownOptions, ownProperties } from '../contract/own-properties.js';
import { inputInvalid } from '../lifetime/input-invalid.js';
import type { Ownership } from '../lifetime/ownership.js';
import { ALLOCATE_NAMES, type AllocateOptions, requestOf } from '../lifetime/request.js';
import { integer, TIMER_MS_MAX } from '../options.js';
import { type Secret, withBytes } from '../secret/secret.js';
import { LineEditor, type LineState } from './line-editor.js';
import { Terminal } from './terminal.js';

export interface TerminalOptions extends AllocateOptions {
  /** Written to the terminal before anything is read. No secret. Default: nothing. */
  readonly prompt?: string;
  /** Longest line that is accepted, in bytes of what the terminal sends (UTF-8, as a rule), 1 to 4,096. Default 256. */
  readonly byteLengthMax?: number;
  /** How long to wait for the end of the line, in milliseconds. Default 300,000: people look for their passwords. */
  readonly answerMsMax?: number;
}

const NAMES = [...ALLOCATE_NAMES, 'prompt', 'byteLengthMax', 'answerMsMax'] as const;
const OPERATION = 'fromTerminal';
const BYTE_LENGTH_MAX_DEFAULT = 256;
const BYTE_LENGTH_MAX = 4096;
const ANSWER_MS_MAX_DEFAULT = 300_000;
/** A key is seen at most this late, and a prompt that waits costs a hundredth of a processor at most. */
const POLL_MS = 10;

/** See `Allocations.fromTerminal`. */
export async function fromTerminal(owner: Ownership, given?: TerminalOptions): Promise<Secret> {
  const options = ownOptions(given, NAMES, 'options');
  const { prompt = '' } = options;
  if (typeof prompt !== 'string') throw new TypeError('prompt must be a string');
  const byteLengthMax = integer(
    'byteLengthMax',
    options.byteLengthMax ?? BYTE_LENGTH_MAX_DEFAULT,
    1,
    BYTE_LENGTH_MAX,
  );
  const answerMsMax = integer(
    'answerMsMax',
    options.answerMsMax ?? ANSWER_MS_MAX_DEFAULT,
    0,
    TIMER_MS_MAX,
  );
  const request = requestOf(options);
  const { signal } = request;
  const secret = await owner.allocate(byteLengthMax + 1, request);
  try {
    const editor = new LineEditor(byteLengthMax);
    const state = await ask(secret, editor, { signal, answerMsMax, prompt });
    if (state === 'interrupted') await interrupt();
    if (state !== 'done') throw inputInvalid(OPERATION, 'there was no answer', state);
    if (editor.overflow) {
      throw inputInvalid(OPERATION, `the answer is longer than ${byteLengthMax} bytes`, 'length');
    }
    if (editor.position === 0) throw inputInvalid(OPERATION, 'the answer is empty', 'empty');
    secret.resize(editor.position);
    return secret;
  } catch (error) {
    secret.dispose();
    throw error;
  }
}

interface Limits {
  readonly signal: AbortSignal | undefined;
  readonly answerMsMax: number;
  readonly prompt: string;
}

/** Has the terminal for as long as the line is typed; it is as it was when this settles. */
async function ask(secret: Secret, editor: LineEditor, limits: Limits): Promise<LineState> {
  throwIfAborted(limits.signal);
  const terminal = new Terminal();
  try {
    terminal.write(limits.prompt);
    const state = await typed(secret, editor, terminal, limits);
    terminal.write('\n');
    return state;
  } finally {
    terminal.close();
  }
}

async function typed(
  secret: Secret,
  editor: LineEditor,
  terminal: Terminal,
  { signal, answerMsMax, prompt }: Limits,
): Promise<LineState> {
  const since = performance.now();
  for (;;) {
    throwIfAborted(signal);
    const resumed = terminal.resume();
    if (resumed) terminal.write(`\n${prompt}`);
    const state = withBytes(secret, 'write', (bytes) => {
      if (resumed) editor.clear(bytes);
      while (terminal.readByte(bytes, editor.position) === 1) {
        const now = editor.take(bytes);
        if (now !== 'typing') return now;
      }
      return 'typing';
    });
    if (state !== 'typing') return state;
    if (performance.now() - since >= answerMsMax) throw silence(answerMsMax);
    await delay(POLL_MS, undefined, ownProperties({ signal, ref: true }, 'options')).catch(
      () => {},
    );
  }
}

/**
 * What the terminal itself would have done, had its mode not been raw: the signal goes to the whole foreground group. Time
 * is left for it to arrive, so that a program that does not listen dies of it, and not of a rejection that nobody caught.
 */
async function interrupt(): Promise<void> {
  process.kill(0, 'SIGINT');
  await delay(POLL_MS);
}

function silence(answerMsMax: number): SecureMemoryError {
  return new SecureMemoryError(
    'ERR_SECMEM_WAIT_TIMEOUT',
    `${OPERATION} waited ${answerMsMax} ms for an answer`,
    { operation: OPERATION, details: { limit: 'wait', waitedMs: answerMsMax } },
  );
}
