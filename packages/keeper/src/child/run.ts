import { writeSync } from 'node:fs';
import { type Allocator, createAllocator, type Lease, ownProperties } from '@securemem/core';
import { FrameKind, HEADER_BYTE_LENGTH, writeU32 } from '../channel/frame.js';
import { encodeError, encodeMetadata } from '../channel/metadata.js';
import { completeDefinition, type KeeperDefinition } from '../define-keeper.js';
import { Channel } from './channel.js';
import { requireNoDebugger } from './debugger.js';
import { closeStrangers } from './descriptors.js';
import { type Hello, readHello } from './hello.js';
import { HostCalls } from './host-calls.js';
import { watchHost } from './host-thread.js';
import { leaveBecauseOf } from './leave.js';
import { Operations, type Provisioned } from './operations.js';

/** Where the host has put the channel and the pipe that ends with it. */
const CHANNEL_DESCRIPTOR = 3;
const HOST_PIPE_DESCRIPTOR = 4;

/** Locked bytes for everything that comes in, one page; longer frames pass through it in pieces. */
const RECEIVE_BYTE_LENGTH = 4_096;

/** How long secrets that operations still hold may delay a requested end. */
const CLOSE_MS_MAX = 1_000;

/** EX_CONFIG of sysexits.h: the module could not be started. */
const START_EXIT_CODE = 78;

/** What a keeper takes from its host after the greeting. */
export const FROM_HOST: ReadonlySet<number> = new Set([
  FrameKind.call,
  FrameKind.cancel,
  FrameKind.hostReply,
  FrameKind.hostError,
  FrameKind.close,
]);

/**
 * The life of a keeper: greet, harden, open the memory, connect, provision, serve. Whatever fails before the service is
 * reported to the host and ends the process.
 */
export async function runKeeper(): Promise<void> {
  const hello = greeted();
  try {
    closeStrangers(hello.descriptors);
    const definition = await importModule(hello.moduleUrl);
    await requireNoDebugger();
    await harden(definition, hello);
    watchHost(HOST_PIPE_DESCRIPTOR);
    await serve(definition, hello);
  } catch (error) {
    writeStartFailure(hello.generation, error);
    process.exit(START_EXIT_CODE);
  }
}

function greeted(): Hello {
  try {
    return readHello(CHANNEL_DESCRIPTOR);
  } catch (error) {
    return leaveBecauseOf(error);
  }
}

async function importModule(url: string): Promise<KeeperDefinition<unknown>> {
  const module: { default?: unknown } = await import(url);
  return completeDefinition(defaultOf(module.default));
}

/** A compiler that turns a module into CommonJS puts its default beside a mark, and the runtime calls both the default. */
function defaultOf(exported: unknown): unknown {
  if (typeof exported !== 'object' || exported === null) return exported;
  return Object.hasOwn(exported, '__esModule')
    ? (exported as { default?: unknown }).default
    : exported;
}

/** Sets the limits from inside, before the first secret. What was asked for and could not be done fails the start. */
async function harden(definition: KeeperDefinition<unknown>, hello: Hello): Promise<void> {
  if (definition.harden === undefined) {
    if (hello.askedLimits.length === 0) return;
    throw new TypeError('there are limits, but the keeper module has no harden to set them');
  }
  const failures = failuresOf(await definition.harden(hello.limits));
  if (failures.length > 0) throw new Error(`hardening failed: ${failures.join('; ')}`);
}

async function serve(definition: KeeperDefinition<unknown>, hello: Hello): Promise<void> {
  // Without signal handlers: a polite signal must end a keeper that is busy, too. Its pages go with it.
  const { allocator } = definition;
  const memory = createAllocator({
    ...allocator,
    // A process with the capability to lock without limit is not bound by the kernel, so the budget says it, too.
    budget: {
      lockedByteLengthMax: hello.limits.lockedByteLengthMax ?? 'auto',
      ...allocator?.budget,
    },
    backend: definition.backend(),
    exitHooks: false,
  });
  const wipe = (): void => memory.purge('exit');
  process.on('exit', wipe);
  const received = memory.allocateSync(RECEIVE_BYTE_LENGTH);
  const lease = received.lend({ mode: 'write' });

  const { generation, payloadByteLengthMax } = hello;
  const provisioned: Provisioned = { memory, generation, state: undefined };
  const operations = new Operations({
    operations: definition.operations,
    provisioned,
    payloadByteLengthMax,
    callsMax: hello.callsMax,
    onClose: () => {
      channel.stopReading();
      setImmediate(() => void leave(memory, lease, wipe));
    },
  });
  const channel = new Channel(
    {
      descriptor: CHANNEL_DESCRIPTOR,
      receiveBuffer: lease.bytes,
      kinds: FROM_HOST,
      generation,
      payloadByteLengthMax,
    },
    operations,
  );
  const hostCalls = new HostCalls(channel.writer, hello.hostFunctions, hello);
  operations.connect(channel.writer, hostCalls);

  const { host } = hostCalls;
  const { descriptors } = hello;
  try {
    const greeting = encodeMetadata({ operations: Object.keys(definition.operations) });
    await requireNoDebugger();
    provisioned.state = await definition.provision?.({ memory, host, generation, descriptors });
    // A signal from the first moments may have waited in a thread of the runtime all the while.
    await requireNoDebugger();
    channel.writer.write(FrameKind.ready, 0, 0, greeting);
    operations.serve();
  } catch (error) {
    channel.writer.write(FrameKind.startFailed, 0, 0, encodeError(error));
    channel.finish(() => process.exit(START_EXIT_CODE));
  }
}

/** The host has no open calls and asks for an end: wipe and release in order, then go. */
async function leave(memory: Allocator, received: Lease, wipe: () => void): Promise<void> {
  try {
    received.release();
    await memory.close({ waitMsMax: CLOSE_MS_MAX });
    process.off('exit', wipe);
  } finally {
    // What an operation still holds is wiped by the exit hook instead.
    process.exit(0);
  }
}

/** What failed, in words, in the report of either native backend; a function of the module's own may just throw. */
function failuresOf(report: unknown): string[] {
  if (typeof report !== 'object' || report === null) return [];
  const { failed, steps } = ownProperties<{ failed?: unknown; steps?: unknown }>(report, 'report');
  const all: object[] = [failed, steps].flatMap((list) => (Array.isArray(list) ? list : []));
  return all
    .map((step) => ownProperties<Record<string, unknown>>({ ...step }, 'step'))
    .filter(({ outcome }) => outcome === undefined || outcome === 'failed')
    .map(({ step, measure, reason }) => `${step ?? measure}: ${reason}`);
}

/** The channel is not open yet, so the frame goes straight to its descriptor, which still blocks. */
function writeStartFailure(generation: number, error: unknown): void {
  const body = encodeError(error);
  const frame = new Uint8Array(new ArrayBuffer(HEADER_BYTE_LENGTH + body.length));
  writeU32(frame, 0, body.length);
  frame[4] = FrameKind.startFailed;
  writeU32(frame, 8, generation);
  frame.set(body, HEADER_BYTE_LENGTH);
  writeSync(CHANNEL_DESCRIPTOR, frame);
}
