import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { segmentMatcher } from '../../src/bridge/changes/glob.ts';
import { IgnoreRules, parseRules } from '../../src/bridge/changes/ignoreRules.ts';
import { type TempDir, tempDir } from '../support/codexHome.ts';

let temp: TempDir;

beforeAll(async () => {
  temp = await tempDir('ign');
  git('init', '-q');
});
afterAll(() => temp.dispose());

function git(...args: string[]): string {
  return execFileSync('git', ['-c', 'core.excludesFile=', '-c', 'core.ignoreCase=false', ...args], {
    cwd: temp.path,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: temp.path },
  });
}

/** What git itself says of each path; paths that end in `/` are directories, and are made for it to see. */
function askGit(ignoreFiles: Readonly<Record<string, string>>, paths: readonly string[]): Set<string> {
  for (const [path, text] of Object.entries(ignoreFiles)) {
    mkdirSync(join(temp.path, dirname(path)), { recursive: true });
    writeFileSync(join(temp.path, path), text);
  }
  for (const path of paths.filter((name) => name.endsWith('/'))) {
    mkdirSync(join(temp.path, path), { recursive: true });
  }
  // git would take "a/" for something inside of a.
  const byName = new Map(paths.map((path) => [path.replace(/\/$/, ''), path]));
  try {
    const answer = execFileSync(
      'git',
      [
        '-c',
        'core.excludesFile=',
        '-c',
        'core.ignoreCase=false',
        'check-ignore',
        '--no-index',
        '-z',
        '--stdin',
      ],
      {
        cwd: temp.path,
        input: [...byName.keys()].join('\0'),
        encoding: 'utf8',
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    );
    return new Set(answer.split('\0').flatMap((name) => byName.get(name) ?? []));
  } catch (error) {
    // Exit status 1: none of them is ignored.
    if (error instanceof Error && 'status' in error && error.status === 1) return new Set();
    throw error;
  }
}

function ask(ignoreFiles: Readonly<Record<string, string>>, paths: readonly string[]): Set<string> {
  const rules = new IgnoreRules();
  for (const [path, text] of Object.entries(ignoreFiles)) {
    const directory = dirname(path) === '.' ? '' : dirname(path);
    rules.add(directory, parseRules(text, directory === '' ? [] : directory.split('/'), false));
  }
  return new Set(
    paths.filter((path) => rules.ignores(path.endsWith('/') ? path.slice(0, -1) : path, path.endsWith('/'))),
  );
}

/** Paths of a small tree, so that rules and paths meet often. */
const PATHS = [
  ...['a', 'b', 'ab', 'a.b', 'a b', '#a', '!a', 'a ', '-', ']', 'a]', '.a', 'aa'],
  ...['d/a', 'd/b', 'd/ab', 'd/a.b', 'd/', 'd/e/a', 'd/e/b', 'd/e/a.b', 'd/e/', 'd/e/f/a', 'd/e/f/'],
  ...['e/', 'e/a/', 'e/a/b', 'e/a/b.a', 'f/', 'f/b/', 'f/b/a/', 'f/b/a/b', 'd/f/', 'd/f/a/'],
];

const piece = fc.constantFrom(
  ...[
    'a',
    'b',
    '.',
    '*',
    '?',
    '**',
    '/',
    '/',
    'd',
    'e',
    'f',
    '\\a',
    '\\*',
    '[ab]',
    '[!a]',
    '[a-b]',
    '[]a]',
    '[^b]',
    '[[:alpha:]]',
    '[b-a]',
    '-',
    ' ',
    '\\ ',
    '#',
    '!',
  ],
);
const line = fc
  .tuple(
    fc.constantFrom('', '', '', '!', '/', '#'),
    fc.array(piece, { minLength: 1, maxLength: 5 }),
    fc.constantFrom('', '', '/', '/**', ' ', '\r'),
  )
  .map(([start, pieces, end]) => start + pieces.join('') + end)
  // Where git differs from its own words: "**" beside something else ("a**/*" even names a itself), "//", a slash escaped.
  .filter((text) => !/\/\/|[^/!]\*\*|.!\*\*|\*\*[^/]|\\[/\r]?$|\\\//.test(text.replace(/\r$/, '')));
const file = fc.array(line, { maxLength: 6 }).map((lines) => `${lines.join('\n')}\n`);

describe('ignore rules', () => {
  test('say what git says', () => {
    fc.assert(
      fc.property(file, file, (top, nested) => {
        const files = { '.gitignore': top, 'd/.gitignore': nested };
        expect([...ask(files, PATHS)].sort()).toEqual([...askGit(files, PATHS)].sort());
      }),
      { numRuns: 200 },
    );
  }, 60_000);

  test.each([
    ['*.log\n!keep.log', ['x.log', 'd/y.log'], ['keep.log', 'x.logs']],
    ['/build', ['build/', 'build/x'], ['src/build/']],
    ['build/', ['build/', 'src/build/', 'build/x'], ['s/build']],
    ['doc/**/*.txt', ['doc/a.txt', 'doc/b/c/d.txt'], ['a.txt', 'doc/a.md']],
    ['**/cache', ['cache', 'a/b/cache'], ['caches']],
    ['logs/**', ['logs/a', 'logs/a/b'], ['log']],
    ['dir/\n!dir/kept', ['dir/', 'dir/kept'], ['kept']],
    ['\\#a\n\\!b\nc\\ ', ['#a', '!b', 'c '], ['a', 'b', 'c']],
    ['\uFEFFa\r\nb\r\n', ['a', 'b'], ['c']],
  ])('%j', (text, ignored, seen) => {
    const all = [...ignored, ...seen];
    expect([...ask({ '.gitignore': text }, all)]).toEqual(ignored);
    expect(askGit({ '.gitignore': text, 'd/.gitignore': '' }, all)).toEqual(new Set(ignored));
  });

  test('name what nobody has to name', () => {
    expect([...ask({}, ['.git', 'a/node_modules/', 'node_modules/x/y', 'modules/'])]).toEqual([
      '.git',
      'a/node_modules/',
      'node_modules/x/y',
    ]);
  });

  test('count those above the folder, which the folder can take back', () => {
    const rules = new IgnoreRules(
      [parseRules('dist\n*.tmp\n/packages/one/only', [], false), parseRules('*.gen', ['packages'], false)],
      ['packages', 'one'],
    );
    rules.add('', parseRules('!kept.tmp', [], false));
    const ignored = ['dist', 'a.tmp', 'kept.tmp', 'only', 'd/only', 'x.gen'].filter((path) =>
      rules.ignores(path, false),
    );
    expect(ignored).toEqual(['dist', 'a.tmp', 'only', 'x.gen']);
  });

  test('a pattern made to be slow is not', () => {
    const matches = segmentMatcher(`${'*a'.repeat(60)}b`, false);
    const start = performance.now();
    expect(matches('a'.repeat(255))).toBe(false);
    expect(performance.now() - start).toBeLessThan(200);
  });

  test('in any case where the file system does not tell cases apart', () => {
    expect(segmentMatcher('*.LOG', true)('a.log')).toBe(true);
    expect(segmentMatcher('[A-C]x', true)('bX')).toBe(true);
    expect(segmentMatcher('*.LOG', false)('a.log')).toBe(false);
  });
});
