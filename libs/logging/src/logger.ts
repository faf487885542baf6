import { destination, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';

export type Logger = PinoLogger;
type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';

interface LoggerOptions {
  /** Which part of the stack speaks, e.g. `api`, `dispatcher-0`. */
  part: string;
  /** Default `info`. */
  level?: LogLevel;
  /** Default: standard error. A test may pass its own. */
  stream?: { write(line: string): void };
}

/**
 * One JSON object per line on standard error: `{"level":"info","time":"2026-…Z","part":"api","msg":…}`.
 * Written at once, so that a process killed the next moment has said what it did.
 */
export function createLogger({ part, level = 'info', stream }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { part },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: ['token', '*.token', 'headers.authorization', 'req.headers.authorization'],
        censor: '[hidden]',
      },
    },
    stream ?? destination({ dest: 2, sync: true }),
  );
}
