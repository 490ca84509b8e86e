import { messageOf } from '../shared/errors.ts';

/**
 * `node:sqlite`, loaded at first use. Node 22 warns that it is experimental: that one
 * warning is left out, since a person can do nothing about it.
 */
export function loadSqlite(): typeof import('node:sqlite') {
  const emitWarning = process.emitWarning;
  const withoutSqlite = (warning: string | Error, ...rest: unknown[]): void => {
    if (rest[0] === 'ExperimentalWarning' && messageOf(warning).includes('SQLite')) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  // The overloads of emitWarning can't be written as one function; all arguments are passed on as they are.
  process.emitWarning = withoutSqlite as typeof process.emitWarning;
  try {
    const sqlite = process.getBuiltinModule('node:sqlite');
    if (sqlite !== undefined) return sqlite;
  } finally {
    process.emitWarning = emitWarning;
  }
  throw new Error(`node:sqlite is missing in Node ${process.version}; it needs Node 22.13 or newer`);
}
