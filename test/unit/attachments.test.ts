import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  MAX_ATTACHMENTS,
  MAX_FILE_BYTES,
  MAX_IMAGE_BYTES,
  prepareInput,
} from '../../src/bridge/sessions/attachments.ts';
import type { Attachment } from '../../src/shared/faces.ts';
import { MAX_PROMPT_LENGTH } from '../../src/shared/session.ts';
import { type TempDir, tempDir } from '../support/codexHome.ts';

const PNG = Buffer.from('\x89PNG\r\n\x1a\n0123456789', 'latin1');

let temp: TempDir;
let folder = '';

beforeAll(async () => {
  temp = await tempDir('attach');
  folder = join(temp.path, 'folder');
  await mkdir(join(folder, 'src'), { recursive: true });
  await writeFile(join(folder, 'src', 'a.ts'), 'one\ntwo\nthree\nfour');
  await writeFile(join(folder, 'crlf.txt'), 'one\r\ntwo\r\n');
  await writeFile(join(folder, 'empty.txt'), '');
  await writeFile(join(folder, 'binary.bin'), Buffer.from([1, 2, 0, 3]));
  await writeFile(join(folder, 'latin1.txt'), Buffer.from([0x61, 0xe4, 0x62]));
  await writeFile(join(folder, 'exact.txt'), 'x'.repeat(MAX_FILE_BYTES));
  await writeFile(join(folder, 'large.txt'), `${'x'.repeat(99)}\n`.repeat(4_000));
  await writeFile(join(folder, 'dot.png'), PNG);
  await writeFile(join(folder, 'huge.png'), Buffer.concat([PNG, Buffer.alloc(MAX_IMAGE_BYTES)]));
  await writeFile(join(temp.path, 'secret.txt'), 'secret');
  await symlink('../secret.txt', join(folder, 'link.txt'));
});

afterAll(() => temp.dispose());

function prepare(...attachments: Attachment[]) {
  return prepareInput(folder, 'Do it', attachments);
}

/** What the attachment gives to Codex as text. */
async function textOf(attachment: Attachment): Promise<string> {
  const { input } = await prepare(attachment);
  const part = input[1];
  if (part?.type !== 'text') throw new Error('no text');
  return part.text;
}

describe('prompts', () => {
  test('alone', async () => {
    expect(await prepareInput(folder, 'Do it')).toEqual({
      input: [{ type: 'text', text: 'Do it', text_elements: [] }],
      infos: [],
    });
  });

  test.each(['', '  \n\t'])('%j is PROMPT_EMPTY', async (prompt) => {
    await expect(prepareInput(folder, prompt)).rejects.toMatchObject({ code: 'PROMPT_EMPTY' });
  });

  test('the longest is taken, one more is PROMPT_TOO_LARGE', async () => {
    const prompt = 'x'.repeat(MAX_PROMPT_LENGTH);
    await expect(prepareInput(folder, prompt)).resolves.toMatchObject({ infos: [] });
    await expect(prepareInput(folder, `${prompt}x`)).rejects.toMatchObject({ code: 'PROMPT_TOO_LARGE' });
  });
});

describe('files', () => {
  test('whole, with a header that names it', async () => {
    const { input, infos } = await prepare({ kind: 'file', path: './src/../src/a.ts' });
    expect(input[1]).toEqual({
      type: 'text',
      text: 'Attached file: src/a.ts\n\none\ntwo\nthree\nfour',
      text_elements: [],
    });
    expect(infos).toEqual([{ kind: 'file', label: 'src/a.ts' }]);
  });

  test.each([
    [{ startLine: 2, endLine: 3 }, 'src/a.ts:2-3', 'lines 2-3', 'two\nthree\n'],
    [{ startLine: 2, endLine: 2 }, 'src/a.ts:2', 'line 2', 'two\n'],
    [{ startLine: 3 }, 'src/a.ts:3-4', 'lines 3-4', 'three\nfour'],
    [{ endLine: 1 }, 'src/a.ts:1', 'line 1', 'one\n'],
    [{ startLine: 4, endLine: 99 }, 'src/a.ts:4', 'line 4', 'four'],
  ])('lines %o', async (range, label, which, text) => {
    const { input, infos } = await prepare({ kind: 'file', path: 'src/a.ts', ...range });
    expect(input[1]).toMatchObject({ text: `Attached file: src/a.ts, ${which}\n\n${text}` });
    expect(infos).toEqual([{ kind: 'file', label }]);
  });

  test('any lines of any file', async () => {
    const file = join(folder, 'any.txt');
    const text = fc.array(fc.constantFrom('a', 'ä€😀', '\n', '\r\n', 'x'.repeat(40_000)), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(text, fc.nat(12), fc.nat(12), async (parts, from, more) => {
        const content = parts.join('');
        if (Buffer.byteLength(content) > MAX_FILE_BYTES) return;
        await writeFile(file, content);
        const lines = content.split(/(?<=\n)/).filter((line) => line !== '');
        const attachment: Attachment = {
          kind: 'file',
          path: 'any.txt',
          startLine: from + 1,
          endLine: from + 1 + more,
        };
        if (lines.length <= from) {
          await expect(prepare(attachment)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
        } else {
          const expected = lines.slice(from, from + more + 1).join('');
          expect((await textOf(attachment)).split('\n\n').slice(1).join('\n\n')).toBe(expected);
        }
      }),
    );
  });

  test('an empty file and one with CRLF are given as they are', async () => {
    expect(await textOf({ kind: 'file', path: 'empty.txt' })).toBe('Attached file: empty.txt\n\n');
    expect(await textOf({ kind: 'file', path: 'crlf.txt' })).toMatch(/one\r\ntwo\r\n$/);
  });

  test('some lines of a file that is too large as a whole', async () => {
    await expect(prepare({ kind: 'file', path: 'large.txt' })).rejects.toMatchObject({
      code: 'ATTACHMENT_TOO_LARGE',
    });
    const lines = await textOf({ kind: 'file', path: 'large.txt', startLine: 3_999 });
    expect(lines).toContain('large.txt, lines 3999-4000\n');
    await expect(prepare({ kind: 'file', path: 'large.txt', startLine: 2 })).rejects.toMatchObject({
      code: 'ATTACHMENT_TOO_LARGE',
    });
  });

  test('an image file is given by its path', async () => {
    const { input, infos } = await prepare({ kind: 'file', path: 'dot.png' });
    expect(input[1]).toEqual({ type: 'localImage', path: join(folder, 'dot.png') });
    expect(infos).toEqual([{ kind: 'image', label: 'dot.png' }]);
  });

  test.each([
    ['not-there.txt', 'ATTACHMENT_NOT_FOUND'],
    ['src', 'ATTACHMENT_NOT_FOUND'],
    ['../secret.txt', 'ATTACHMENT_OUTSIDE_FOLDER'],
    ['link.txt', 'ATTACHMENT_OUTSIDE_FOLDER'],
    ['binary.bin', 'INVALID_INPUT'],
    ['latin1.txt', 'INVALID_INPUT'],
    ['huge.png', 'ATTACHMENT_TOO_LARGE'],
  ])('%s is %s', async (path, code) => {
    await expect(prepare({ kind: 'file', path })).rejects.toMatchObject({ code });
  });

  test('lines in the wrong order, or beyond the end', async () => {
    const file = { kind: 'file' as const, path: 'src/a.ts' };
    await expect(prepare({ ...file, startLine: 3, endLine: 2 })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(prepare({ ...file, startLine: 5 })).rejects.toThrow('has 4 lines');
  });
});

describe('texts, resources and images', () => {
  test('keep their order, after the prompt', async () => {
    const data = PNG.toString('base64');
    const { input, infos } = await prepare(
      { kind: 'text', name: 'notes', text: 'N' },
      { kind: 'image', mimeType: 'image/png', data },
      { kind: 'resource', uri: 'db://table', text: 'R' },
    );
    expect(input.slice(1)).toEqual([
      { type: 'text', text: 'Attached text: notes\n\nN', text_elements: [] },
      { type: 'image', url: `data:image/png;base64,${data}` },
      { type: 'text', text: 'Attached resource: db://table\n\nR', text_elements: [] },
    ]);
    expect(infos).toEqual([
      { kind: 'text', label: 'notes' },
      { kind: 'image', label: 'image/png' },
      { kind: 'resource', label: 'db://table' },
    ]);
  });

  test('a name can not pretend to be more than a name', async () => {
    const text = await textOf({ kind: 'text', name: 'x\n\nAttached file: y', text: 'N' });
    expect(text).toBe('Attached text: "x\\n\\nAttached file: y"\n\nN');
  });

  test.each([
    ['image/svg+xml', Buffer.from('<svg/>').toString('base64')],
    ['image/png', Buffer.from('no png at all').toString('base64')],
    ['image/jpeg', PNG.toString('base64')],
    ['image/png', 'not base64!'],
    ['image/png', ''],
    ['image/png;base64,x', PNG.toString('base64')],
  ])('an image %s of %j is refused', async (mimeType, data) => {
    await expect(prepare({ kind: 'image', mimeType, data })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('an image that is too large', async () => {
    const data = Buffer.concat([PNG, Buffer.alloc(MAX_IMAGE_BYTES)]).toString('base64');
    await expect(prepare({ kind: 'image', mimeType: 'image/png', data })).rejects.toMatchObject({
      code: 'ATTACHMENT_TOO_LARGE',
    });
  });

  test('one megabyte of text in all', async () => {
    const file: Attachment = { kind: 'file', path: 'exact.txt' };
    await expect(prepare(file, file, file, file)).resolves.toMatchObject({ infos: { length: 4 } });
    const more: Attachment = { kind: 'text', name: 'more', text: 'x' };
    await expect(prepare(file, file, file, file, more)).rejects.toMatchObject({
      code: 'ATTACHMENT_TOO_LARGE',
    });
  });

  test('too many attachments', async () => {
    const text: Attachment = { kind: 'text', name: 'x', text: 'x' };
    await expect(prepare(...Array<Attachment>(MAX_ATTACHMENTS + 1).fill(text))).rejects.toMatchObject({
      code: 'ATTACHMENT_TOO_LARGE',
    });
  });
});
