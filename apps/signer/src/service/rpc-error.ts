import type { Problem } from './problem.js';

export type RpcId = string | number | null;

/** What a call is answered with. `problem` is what it failed of, where one of ours. */
export interface RpcAnswer {
  readonly body: object;
  readonly problem?: Problem | undefined;
}

/** An error of JSON-RPC 2.0, or one of Ethereum's (EIP-1474). */
export class RpcFailure extends Error {
  readonly code: number;
  readonly data: object | undefined;

  constructor(code: number, message: string, data?: object) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** By the problem's name; every other one is -32000, a failure of the server. */
const CODES: Readonly<Record<string, number>> = {
  malformed: -32_602,
  'bad-transaction': -32_602,
  'no-such-key': -32_001,
  'too-many-waiting': -32_005,
  'no-locked-memory': -32_005,
  sealed: -32_002,
  closing: -32_002,
};

/** The same, with the name that programs rely on and the fields at fault in `data`. */
export function rpcErrorOf(problem: Problem): RpcFailure {
  const { type, slug, message, errors, retryAfterSeconds } = problem;
  return new RpcFailure(CODES[slug] ?? -32_000, message, {
    type,
    ...(errors.length > 0 && { errors }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

export function errorBody(id: RpcId, { code, message, data }: RpcFailure): object {
  const error = { code, message, ...(data !== undefined && { data }) };
  return { jsonrpc: '2.0', id, error };
}
