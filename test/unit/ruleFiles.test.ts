import { execFileSync } from 'node:child_process';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { IgnoreRules, type RuleFile } from '../../src/bridge/changes/ignoreRules.ts';
import { RuleFiles } from '../../src/bridge/changes/ruleFiles.ts';
import { type TempDir, tempDir } from '../support/codexHome.ts';

let temp: TempDir;
let file: string;
let files: RuleFiles;

beforeEach(async () => {
  temp = await tempDir('rul');
  file = join(temp.path, '.gitignore');
  files = new RuleFiles(false);
});
afterEach(() => temp.dispose());

/** Long after whatever was just written. */
const later = () => Date.now() + 60_000;
const ignores = (rules: RuleFile | undefined, path: string) =>
  new IgnoreRules(rules === undefined ? [] : [rules]).matches(path, false);

test('are read again when the file was touched, and only then', () => {
  writeFileSync(file, 'one\n');
  const first = files.read(file, [], later());
  expect(files.read(file, [], later())).toBe(first);
  expect(ignores(first, 'one')).toBe(true);
  writeFileSync(file, 'two\n');
  const second = files.read(file, [], later());
  expect([ignores(second, 'one'), ignores(second, 'two')]).toEqual([false, true]);
  // Seen from another top, the same lines mean other paths.
  expect(files.read(file, ['a'], later())).toMatchObject({ base: ['a'] });
  rmSync(file);
  expect(files.read(file, [], later())).toBeUndefined();
});

test('are read again when the file had just been written: a second write may show no other times', () => {
  writeFileSync(file, 'one\n');
  const first = files.read(file, [], Date.now());
  expect(files.read(file, [], Date.now())).not.toBe(first);
});

test('of what is no list of patterns ignore nothing, and nobody waits for it', () => {
  expect(files.read(file, [], later())).toBeUndefined();
  expect(files.read(temp.path, [], later())).toBeUndefined();
  expect(files.read(join(file, 'below'), [], later())).toBeUndefined();
  writeFileSync(file, '*\n');
  truncateSync(file, 1024 * 1024);
  expect(files.read(file, [], later())).toBeUndefined();
  rmSync(file);
  execFileSync('mkfifo', [file]);
  expect(files.read(file, [], later())).toBeUndefined();
});
