import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Secrets that a test has planted, by what they are. */
export type Canaries = Readonly<Record<string, string>>;

/** Which of them the text has, as "what in where". */
export function sung(where: string, text: string, canaries: Canaries): string[] {
  return Object.entries(canaries).flatMap(([what, secret]) => {
    if (secret.length < 12) throw new Error(`${what} is too short to be known again`);
    return text.includes(secret) ? [`${what} in ${where}`] : [];
  });
}

/** All that is written below the directory, byte by byte, but for the named files. */
export function sungInFiles(directory: string, canaries: Canaries, except: readonly string[]): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const looked = files.filter((file) => !except.includes(file));
  if (looked.length === 0) throw new Error(`there is nothing in ${directory}`);
  return looked.flatMap((file) => sung(file, contentOf(file), canaries));
}

/** The arguments of every process of this machine that may be looked at. */
export function sungInArguments(canaries: Canaries): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => sung(`argv of ${pid}`, contentOf(`/proc/${pid}/cmdline`), canaries));
}

/** '' for a process or a file that has just gone. */
export function contentOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
