import { readFileSync, type Stats, statSync } from 'node:fs';
import { parseRules, type RuleFile } from './ignoreRules.ts';
import { type Entry, entryFrom, sameStats } from './manifest.ts';

/** A .gitignore file beyond this is no list of patterns. Bytes. */
const MAX_RULES = 256 * 1024;
/** Files that are remembered; those of directories that are gone are among them. */
const MAX_KNOWN = 5_000;

/** Files of ignore rules. One that was read before is read again only when something tells that it was touched. */
export class RuleFiles {
  readonly #ignoreCase: boolean;
  readonly #read = new Map<string, { readonly seen: Entry; readonly rules: RuleFile }>();

  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase;
  }

  /**
   * The rules of a file; undefined where there is none, or it is not for us to read: then it ignores nothing, so
   * more is looked at, never less.
   *
   * @param base components of its directory, from wherever paths are counted
   * @param now milliseconds since the epoch, to be compared with times of files
   */
  read(file: string, base: readonly string[], now: number): RuleFile | undefined {
    const stats = stat(file);
    if (stats === undefined || !stats.isFile() || stats.size > MAX_RULES) {
      this.#read.delete(file);
      return undefined;
    }
    const seen = entryFrom(stats, 'file', now);
    const known = this.#read.get(file);
    if (known !== undefined && !known.seen.racy && sameStats(known.seen, seen) && isBase(known.rules, base))
      return known.rules;
    const text = readText(file);
    if (text === undefined) return undefined;
    const rules = parseRules(text, base, this.#ignoreCase);
    if (this.#read.size >= MAX_KNOWN) this.#read.clear();
    this.#read.set(file, { seen, rules });
    return rules;
  }
}

function isBase(rules: RuleFile, base: readonly string[]): boolean {
  // Of one file's directory: as many components are the same ones.
  return rules.base.length === base.length;
}

function stat(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined; // Not for us to see.
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // Gone since, or not for us to read.
  }
}
