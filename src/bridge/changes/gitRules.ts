import { lstatSync } from 'node:fs';
import { dirname, join, parse, relative, sep } from 'node:path';
import { IgnoreRules, type RuleFile } from './ignoreRules.ts';
import type { RuleFiles } from './ruleFiles.ts';

/**
 * The rules above a folder that lies inside a repository: its `.git/info/exclude`, and the .gitignore files from
 * its top down to the folder's parent. A folder that these rules themselves ignore was opened on purpose: then
 * they say nothing about what is in it.
 */
export function outerRules(
  folder: string,
  files: RuleFiles,
  now: number,
): { outer: readonly RuleFile[]; prefix: readonly string[] } {
  const top = repositoryTop(folder);
  if (top === undefined) return { outer: [], prefix: [] };
  const prefix = top === folder ? [] : relative(top, folder).split(sep);
  const outer: RuleFile[] = [];
  const add = (file: string, base: readonly string[]) => {
    const rules = files.read(file, base, now);
    if (rules !== undefined) outer.push(rules);
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
