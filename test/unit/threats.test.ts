import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** `A1` to `A27`. */
function numbered(letter: string, last: number): string[] {
  return Array.from({ length: last }, (_, at) => `${letter}${at + 1}`);
}

/** Ids at the start of the titles of tests and of their groups. */
function idsOfTests(): Set<string> {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return new Set(
    files.flatMap((name) => {
      const text = readFileSync(join(root, 'test', name), 'utf8');
      // A title comes right after a bracket, also the one of `describe.each(cases)(…)`.
      return [...text.matchAll(/\(\s*['"`]([AB]\d+b?): /g)].map((match) => match[1] ?? '');
    }),
  );
}

/** Ids at the start of the lines of a page's tables. */
function idsOf(page: string): string[] {
  return [...readFileSync(join(root, page), 'utf8').matchAll(/^\| ([AB]\d+b?) \|/gm)].map(
    (match) => match[1] ?? '',
  );
}

describe('SECURITY.md and docs/faults.md', () => {
  const promised = [...idsOf('SECURITY.md'), ...idsOf('docs/faults.md')];

  test('have every promise once', () => {
    const all = [...numbered('A', 27), ...numbered('B', 27), 'B4b'];
    expect([...promised].sort()).toEqual(all.sort());
  });

  test('make no promise that no test keeps', () => {
    const tested = idsOfTests();
    expect(promised.filter((id) => !tested.has(id))).toEqual([]);
  });

  test('know every id that a test names', () => {
    expect([...idsOfTests()].filter((id) => !promised.includes(id))).toEqual([]);
  });
});
