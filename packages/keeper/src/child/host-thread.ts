import { Worker, type WorkerOptions } from 'node:worker_threads';
import { ownProperties } from '@securemem/core';
import { selfOrGroup } from './own-group.js';

/** How long the main thread has to notice by itself that the host is gone, and to leave in good order. */
const GRACE_MS = 1_000;

/**
 * A thread that waits for the end of a pipe that carries nothing: the host holds the other end, so it ends when the host
 * does, however that dies. The main thread sees the same on its own channel, but not while it is busy; this thread then
 * kills the process and what it has started, so that no keeper outlives its host by more than a second or so.
 */
export function watchHost(descriptor: number): void {
  const program = `
    const { Socket } = require('node:net');
    const socket = new Socket({ fd: ${descriptor} });
    const leave = () => setTimeout(() => process.kill(${selfOrGroup()}, 'SIGKILL'), ${GRACE_MS});
    socket.on('error', () => {});
    socket.on('close', leave);
    socket.resume();
  `;
  const options: WorkerOptions = {
    eval: true,
    env: ownProperties({}, 'env'),
    execArgv: [],
    resourceLimits: ownProperties(
      { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 },
      'limits',
    ),
  };
  const thread = new Worker(program, ownProperties(options, 'options'));
  thread.unref();
}
