import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { dirname, join, parse, relative, sep } from 'node:path';
import { IgnoreRules, parseRules, type RuleFile } from './ignoreRules.ts';

/**
 * The rules above a folder that lies inside a repository: its `.git/info/exclude`, and the .gitignore files from
 * its top down to the folder's parent. A folder that these rules themselves ignore was opened on purpose: then
 * they say nothing about what is in it.
 */
export function outerRules(
  folder: string,
  ignoreCase: boolean,
): { outer: readonly RuleFile[]; prefix: readonly string[] } {
  const top = repositoryTop(folder);
  if (top === undefined) return { outer: [], prefix: [] };
  const prefix = top === folder ? [] : relative(top, folder).split(sep);
  const outer: RuleFile[] = [];
  const add = (file: string, base: readonly string[]) => {
    const text = readText(file);
    if (text !== undefined) outer.push(parseRules(text, base, ignoreCase));
  };
  add(join(top, '.git', 'info', 'exclude'), []);
  for (let depth = 0; depth < prefix.length; depth++) {
    const base = prefix.slice(0, depth);
    add(join(top, ...base, '.gitignore'), base);
  }
  const ignored = prefix.length > 0 && new IgnoreRules(outer).ignores(prefix.join('/'), true);
  return ignored ? { outer: [], prefix: [] } : { outer, prefix };
}

/** The nearest directory at or above the folder that has a `.git`: a directory, or a file in worktrees. */
function repositoryTop(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (lstatSync(join(at, '.git'), { throwIfNoEntry: false }) !== undefined) return at;
    if (at === parse(at).root) return undefined;
  }
}

function readText(file: string): string | undefined {
  // Most directories have no rules, and an error for each costs more than all the rest.
  if (!existsSync(file)) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // There is none, or it is not for us to read: then it ignores nothing.
  }
}
