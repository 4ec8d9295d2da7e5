import {
  type Allocator,
  type AllocatorOptions,
  type MemoryBackend,
  ownProperties,
  type Secret,
} from '@securemem/core';
import { NAMES_MAX, refuseUnknown } from './complete-options.js';
import { requireName } from './names.js';
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
  return completeDefinition(definition) as KeeperDefinition<State>;
}

const NAMES: Readonly<Record<keyof KeeperDefinition<unknown>, true>> = {
  backend: true,
  harden: true,
  allocator: true,
  provision: true,
  operations: true,
};

/** The definition as its module wrote it, without what lies on a prototype. Throws `TypeError` for what is none. */
export function completeDefinition(value: unknown): KeeperDefinition<unknown> {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError('a keeper module exports the result of defineKeeper as its default');
  }
  const definition = ownProperties<Partial<KeeperDefinition<unknown>>>(value, 'defineKeeper');
  refuseUnknown('defineKeeper', definition, NAMES);
  const { backend, harden, provision, allocator, operations } = definition;
  if (typeof backend !== 'function') {
    throw new TypeError('defineKeeper: backend must be a function that opens one');
  }
  for (const [name, hook] of Object.entries({ harden, provision })) {
    if (hook !== undefined && typeof hook !== 'function') {
      throw new TypeError(`defineKeeper: ${name} must be a function`);
    }
  }
  return ownProperties(
    {
      ...definition,
      backend,
      ...(allocator !== undefined && { allocator: ownProperties(allocator, 'allocator') }),
      operations: completeOperations(operations),
    },
    'definition',
  );
}

function completeOperations(operations: unknown): KeeperDefinition<unknown>['operations'] {
  const own = ownProperties<KeeperDefinition<unknown>['operations']>(
    (operations ?? {}) as KeeperDefinition<unknown>['operations'],
    'operations',
  );
  const names = Object.keys(own);
  if (names.length === 0 || names.length > NAMES_MAX) {
    throw new TypeError(`defineKeeper: there must be 1 to ${NAMES_MAX} operations`);
  }
  for (const name of names) {
    requireName('operations', name);
    if (typeof own[name] !== 'function') throw new TypeError(`operation ${name} is no function`);
  }
  return own;
}
