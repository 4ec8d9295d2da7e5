import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { ownProperties, zero } from '@securemem/core';
import {
  type FrameHandler,
  FrameReader,
  type FrameReaderOptions,
} from '../channel/frame-reader.js';
import { FrameWriter } from '../channel/frame-writer.js';
import { leaveBecauseOf, leaveWithHost } from './leave.js';

export interface ChannelOptions extends FrameReaderOptions {
  readonly descriptor: number;
  /** Every byte from the host lands here first, and is wiped after it was looked at. */
  readonly receiveBuffer: Uint8Array;
}

export interface ChannelHandler extends FrameHandler {
  /**
   * All that has arrived was told, and the receive buffer is wiped: now do it. Work that purges the memory, or never
   * returns, can no longer harm what came with it.
   */
  runArrived(): void;
}

/**
 * The keeper's end of the channel. It reads into one buffer that its owner has put into locked memory, stops reading
 * while the host does not take its answers, and exits when the host is gone.
 */
export class Channel {
  readonly writer: FrameWriter;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #receiveBuffer: Uint8Array;
  readonly #handler: ChannelHandler;
  #stopped = false;

  constructor(options: ChannelOptions, handler: ChannelHandler) {
    this.#handler = handler;
    this.#reader = new FrameReader(options, handler);
    this.#receiveBuffer = options.receiveBuffer;
    // The types have `onread` for connections only; the constructor takes it for a descriptor as well.
    const socketOptions: SocketConstructorOpts & { onread: OnReadOpts } = {
      fd: options.descriptor,
      readable: true,
      writable: true,
      onread: {
        buffer: options.receiveBuffer,
        callback: (byteLength) => this.#receive(byteLength),
      },
    };
    this.#socket = new Socket(ownProperties(socketOptions, 'options'));
    this.writer = new FrameWriter(this.#socket, options.generation, () => {
      if (!this.#stopped) this.#socket.resume();
    });
    this.#socket.on('error', leaveWithHost);
    this.#socket.on('end', leaveWithHost);
    this.#socket.on('close', leaveWithHost);
  }

  /**
   * Reads nothing any more, from the end of the current turn on: then the receive buffer may be given back. Until then
   * the system may still write to it.
   */
  stopReading(): void {
    this.#stopped = true;
  }

  /** Runs `then` once everything that was written has left. */
  finish(then: () => void): void {
    this.writer.flush();
    this.#socket.write(new Uint8Array(0), then);
  }

  /** False stops reading until the writer has room again. */
  #receive(byteLength: number): boolean {
    try {
      try {
        this.#reader.push(this.#receiveBuffer, 0, byteLength);
      } finally {
        zero(this.#receiveBuffer, 0, byteLength);
      }
      this.#handler.runArrived();
    } catch (error) {
      leaveBecauseOf(error);
    }
    return !this.#stopped && !this.writer.blocked;
  }
}
