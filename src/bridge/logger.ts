import { BridgeError, messageOf } from '../shared/errors.ts';
import { isSecretName, REDACTED, redact } from '../shared/redact.ts';
import type { LogLevel } from '../shared/settings.ts';
import type { Logger } from './ports.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
/** Characters of one text in a line: an error may quote a whole answer of somebody's. */
const MAX_TEXT = 4_000;

type Fields = Readonly<Record<string, unknown>>;

/**
 * A log of JSON lines, `write` gets one line at a time without its newline. Secrets are taken out by their
 * name, by their form, and where they are known (`secrets`) by their value.
 */
export function jsonLogger(
  write: (line: string) => void,
  level: LogLevel | (() => LogLevel) = 'info',
  secrets: readonly string[] = [],
): Logger {
  const lowest = () => LEVELS.indexOf(typeof level === 'function' ? level() : level);
  const text = (value: string) => {
    const clean = redact(value, secrets);
    return clean.length <= MAX_TEXT ? clean : `${clean.slice(0, MAX_TEXT)}…`;
  };
  const printable = (name: string, value: unknown): unknown => {
    if (typeof value === 'string') return isSecretName(name) ? REDACTED : text(value);
    if (value instanceof BridgeError)
      return { code: value.code, message: value.message, cause: causeOf(value) };
    return value instanceof Error ? text(messageOf(value)) : value;
  };
  const child = (base: Fields): Logger => {
    const log = (at: LogLevel, message: string, fields: Fields = {}) => {
      if (LEVELS.indexOf(at) < lowest()) return;
      write(
        JSON.stringify({ time: new Date().toISOString(), level: at, message, ...base, ...fields }, printable),
      );
    };
    return {
      debug: (message, fields) => log('debug', message, fields),
      info: (message, fields) => log('info', message, fields),
      warn: (message, fields) => log('warn', message, fields),
      error: (message, fields) => log('error', message, fields),
      child: (fields) => child({ ...base, ...fields }),
    };
  };
  return child({});
}

function causeOf(error: Error): string | undefined {
  return error.cause === undefined ? undefined : messageOf(error.cause);
}
