import type { Allocator, AllocatorOptions, MemoryBackend, Secret } from '@securemem/core';
import type { HardenLimits } from './options.js';

/** The way from the keeper to the functions of its host. */
export interface Host {
  /**
   * Calls a function of the host by name. Rejects with the error that the function threw, and with `RangeError` for an
   * unknown name or a payload beyond the limit.
   */
  call(name: string, payload?: Uint8Array): Promise<Uint8Array>;
}

/** What `provision` gets. */
export interface ProvisionContext {
  /** The allocator over the module's backend. */
  readonly memory: Allocator;
  readonly host: Host;
  /** Which life of this keeper it is, counted from 1: after a restart everything is provisioned again. */
  readonly generation: number;
  /** The descriptors that the host passed, by the numbers they have here. */
  readonly descriptors: readonly number[];
}

/** What an operation gets beside its payload. */
export interface OperationContext<State> {
  readonly memory: Allocator;
  readonly host: Host;
  readonly generation: number;
  /** What `provision` returned. */
  readonly state: State;
  /**
   * The payload of a call made with `secret: true`, in secure memory; undefined for other calls. It belongs to the
   * operation: dispose it, or keep it.
   */
  readonly secret: Secret | undefined;
  /** Aborted when the caller gives up. */
  readonly signal: AbortSignal;
}

/**
 * One operation. The payload is a private copy; it is empty when the call was made with `secret: true`. The result goes
 * to the host, so it must never be a secret.
 */
export type Operation<State> = (
  payload: Uint8Array,
  context: OperationContext<State>,
) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

/** What a keeper module exports. */
export interface KeeperDefinition<State> {
  /** Opens the backend, after `harden`. A factory such as `koffiBackend` itself, or a function that calls one. */
  readonly backend: () => MemoryBackend;
  /** Runs before anything else; a limit that it could not set fails the start. Both native backends export one. */
  readonly harden?: (limits: HardenLimits) => unknown;
  /**
   * Options of the keeper's allocator. It has no exit hooks for signals: a polite signal ends a keeper at once, busy or
   * not, and the system takes its pages; `process.exit()` wipes them first.
   */
  readonly allocator?: Omit<AllocatorOptions, 'backend' | 'exitHooks'>;
  /** Loads the secrets; runs once in every life of the keeper, before any operation. */
  readonly provision?: (context: ProvisionContext) => State | Promise<State>;
  readonly operations: Readonly<Record<string, Operation<State>>>;
}

/**
 * Describes a keeper: call it in the module that `openKeeper` names and export the result as default. Importing that
 * module anywhere else starts nothing.
 */
export function defineKeeper<State = undefined>(
  definition: KeeperDefinition<State>,
): KeeperDefinition<State> {
  requireDefinition(definition);
  return definition;
}

/** Throws `TypeError` for what is no definition. */
export function requireDefinition(value: unknown): asserts value is KeeperDefinition<unknown> {
  const definition = value as Partial<KeeperDefinition<unknown>> | null | undefined;
  if (typeof definition !== 'object' || definition === null) {
    throw new TypeError('a keeper module exports the result of defineKeeper as its default');
  }
  if (typeof definition.backend !== 'function') {
    throw new TypeError('defineKeeper: backend must be a function that opens one');
  }
  for (const [name, operation] of Object.entries(definition.operations ?? {})) {
    if (typeof operation !== 'function') throw new TypeError(`operation ${name} is no function`);
  }
  if (Object.keys(definition.operations ?? {}).length === 0) {
    throw new TypeError('defineKeeper: there must be at least one operation');
  }
}
