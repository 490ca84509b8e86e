import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES } from '../../src/shared/errors.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** All Markdown files that people read. */
function pages(): string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name));
  return ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...docs];
}

/** The links of a page to files of the repository: neither addresses nor places inside the page. */
function linksOf(page: string): string[] {
  return [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '');
}

describe('the documentation', () => {
  test('explains every error code exactly once, and no others', () => {
    const rows = [...read('docs/user/errors.md').matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]);
    expect([...rows].sort()).toEqual([...ERROR_CODES].sort());
  });

  test('explains every setting exactly once, and no others', () => {
    // The file is our own manifest; only the names of the settings are read.
    const manifest = JSON.parse(read('package.json')) as {
      contributes: { configuration: { properties: Record<string, unknown> } };
    };
    const rows = [...read('docs/user/settings.md').matchAll(/^\| `(codexBridge\.[\w.]+)` \|/gm)].map(
      (match) => match[1],
    );
    expect([...rows].sort()).toEqual(Object.keys(manifest.contributes.configuration.properties).sort());
  });

  test('lists every decision', () => {
    const files = readdirSync(join(root, 'docs/adr')).filter((name) => /^\d{4}-/.test(name));
    const index = read('docs/adr/README.md');
    expect(files.filter((file) => !index.includes(`(${file})`))).toEqual([]);
  });

  test('promises each line of security once, and names tests that are titled with it', () => {
    const rows = [...read('SECURITY.md').matchAll(/^\| (A\d+) \| .+? \| (.*)\|$/gm)];
    expect(rows.map((row) => row[1])).toEqual(Array.from({ length: 27 }, (_, i) => `A${i + 1}`));
    const wrong = rows.flatMap(([, id, tests = '']) =>
      [...tests.matchAll(/\]\((.+?)\)/g)]
        .map(([, file = '']) => file)
        .filter((file) => !new RegExp(`['"\`]${id}: `).test(read(file)))
        .map((file) => `${id}: ${file}`),
    );
    expect(wrong).toEqual([]);
  });

  test('links only to files that exist', () => {
    const missing = pages().flatMap((page) =>
      linksOf(page)
        .filter((target) => !existsSync(join(root, page, '..', target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(missing).toEqual([]);
  });
});
