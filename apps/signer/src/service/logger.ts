import { type Logger, pino } from 'pino';
import type { EventLog } from './event-log.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * One JSON object a line on standard error. Lines are written at once: the one that tells why a process died must not be in
 * a buffer then. Only what is named here and in `requestLine` is ever in a line: no body, no header, no address of a
 * request beyond its route.
 */
export function createLogger(level: LogLevel, log: EventLog): Logger {
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  );
  log.listen(({ kind, text, severity }) => logger[severity]({ event: kind }, text));
  return logger;
}
