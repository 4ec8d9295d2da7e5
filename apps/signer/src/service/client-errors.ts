import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { SECURITY_HEADERS } from './gate.js';
import type { LoopDelay } from './loop-delay.js';
import { Problem } from './problem.js';

/** A client that is in time but unlucky gets no less than this, in milliseconds. */
const GRACE_MS_MIN = 250;
const GRACE_MS_MAX = 30_000;

/** What Node's server is in the middle of on a connection. It has no public name. */
interface Connection extends Socket {
  readonly _httpMessage?: ServerResponse;
}

/**
 * Answers what never becomes a request: clients that are too slow, and bytes that are not HTTP. Everything that is answered
 * here is counted, as every other answer is.
 *
 * Node measures how long a request takes to arrive by the clock, also while this process was too busy to read it. So
 * whoever is late is given as long again as we were.
 */
export class ClientErrors {
  readonly #delay: LoopDelay;
  readonly #count: (status: number) => void;
  /** How many requests came in on a connection. */
  readonly #requests = new WeakMap<Socket, IncomingMessage>();
  readonly #answered = new WeakSet<Socket>();

  constructor(delay: LoopDelay, count: (status: number) => void) {
    this.#delay = delay;
    this.#count = count;
  }

  /** For each request that arrived, so that a late one is known. */
  arrived(request: IncomingMessage): void {
    this.#requests.set(request.socket, request);
  }

  /** Whether the connection was answered here: then what its request comes to is not counted again. */
  answered(socket: Socket): boolean {
    return this.#answered.has(socket);
  }

  handle(error: NodeJS.ErrnoException, socket: Connection): void {
    if (error.code !== 'ERR_HTTP_REQUEST_TIMEOUT') {
      this.#answer(socket, problemOfBytes(error));
      return;
    }
    const lateMs = this.#delay.ms;
    if (lateMs < GRACE_MS_MIN) {
      this.#answer(socket, tooSlow());
      return;
    }
    const request = this.#requests.get(socket);
    const timer = setTimeout(
      () => {
        const now = this.#requests.get(socket);
        // It has arrived by now, or another one has.
        if (now !== undefined && (now !== request || now.complete)) return;
        this.#answer(socket, tooSlow());
      },
      Math.min(lateMs, GRACE_MS_MAX),
    );
    timer.unref();
  }

  #answer(socket: Connection, problem: Problem): void {
    if (this.#answered.has(socket) || socket.destroyed) return;
    this.#answered.add(socket);
    this.#count(problem.status);
    // In the middle of an answer there is no room for another one.
    if (!socket.writable || socket._httpMessage?.headersSent === true) {
      socket.destroy();
      return;
    }
    const body = JSON.stringify(problem.body);
    const headers = { ...SECURITY_HEADERS, 'content-type': 'application/problem+json' };
    const lines = [
      `HTTP/1.1 ${problem.status} ${problem.slug}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
    ];
    socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
    // What it still sends is not ours to read, and must not keep it open.
    setTimeout(() => socket.destroy(), GRACE_MS_MIN).unref();
  }
}

function tooSlow(): Problem {
  return new Problem(408, 'too-slow', 'the request did not arrive in time');
}

function problemOfBytes({ code }: NodeJS.ErrnoException): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Problem(431, 'headers-too-large', 'the headers are larger than 16 KiB');
  }
  if (code === 'ECONNRESET') return new Problem(499, 'client-gone', 'the client went away');
  return new Problem(400, 'malformed', 'this is not HTTP/1.1');
}
