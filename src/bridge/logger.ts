import { BridgeError, messageOf } from '../shared/errors.ts';
import type { Logger } from './ports.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LEVELS)[number];

type Fields = Readonly<Record<string, unknown>>;

/** A log of JSON lines, `write` gets one line at a time without its newline. */
export function jsonLogger(
  write: (line: string) => void,
  level: LogLevel = 'info',
  base: Fields = {},
): Logger {
  const lowest = LEVELS.indexOf(level);
  const log = (at: LogLevel, message: string, fields: Fields = {}) => {
    if (LEVELS.indexOf(at) < lowest) return;
    write(
      JSON.stringify({ time: new Date().toISOString(), level: at, message, ...base, ...fields }, printable),
    );
  };
  return {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
    child: (fields) => jsonLogger(write, level, { ...base, ...fields }),
  };
}

function printable(_key: string, value: unknown): unknown {
  if (value instanceof BridgeError)
    return { code: value.code, message: value.message, cause: causeOf(value) };
  if (value instanceof Error) return messageOf(value);
  return value;
}

function causeOf(error: Error): string | undefined {
  return error.cause === undefined ? undefined : messageOf(error.cause);
}
