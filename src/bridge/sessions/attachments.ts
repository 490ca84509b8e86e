import type { FileHandle } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { BridgeError } from '../../shared/errors.ts';
import type { Attachment } from '../../shared/faces.ts';
import { type AttachmentInfo, MAX_PROMPT_LENGTH } from '../../shared/session.ts';
import type { UserInput } from '../codex/generated/v2/UserInput.ts';
import { openInside, resolveFolder } from '../folders/containment.ts';

/** Bytes of one file, or of the chosen lines of one. */
export const MAX_FILE_BYTES = 256 * 1024;
/** Bytes of all texts of one prompt together: files, lines, texts and resources. */
export const MAX_TEXT_BYTES = 1024 * 1024;
/** Bytes of one image. */
export const MAX_IMAGE_BYTES = 10 * 1024 * 1024;
/** Bytes of all images of one prompt together: they go to Codex in one message. */
export const MAX_IMAGES_BYTES = 30 * 1024 * 1024;
export const MAX_ATTACHMENTS = 100;
/** How far a file is read to find the chosen lines, in bytes. */
const MAX_SCAN_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

export interface PreparedInput {
  /** For `turn/start`: the prompt first, then the attachments in their order. */
  readonly input: UserInput[];
  readonly infos: AttachmentInfo[];
}

/**
 * Checks a prompt with its attachments and makes Codex's input of them. Files are read now and given as text,
 * so that what Codex gets is what was checked.
 *
 * @throws BridgeError `PROMPT_EMPTY`, `PROMPT_TOO_LARGE`, `ATTACHMENT_NOT_FOUND`, `ATTACHMENT_OUTSIDE_FOLDER`,
 * `ATTACHMENT_TOO_LARGE`, `INVALID_INPUT`, `FOLDER_NOT_FOUND`
 */
export async function prepareInput(
  folderReal: string,
  prompt: string,
  attachments: readonly Attachment[] = [],
): Promise<PreparedInput> {
  checkPrompt(prompt);
  // Codex itself would answer in a folder that is gone, with every command failing.
  await resolveFolder(folderReal);
  if (attachments.length > MAX_ATTACHMENTS) {
    throw new BridgeError(
      'ATTACHMENT_TOO_LARGE',
      `${attachments.length} attachments are more than ${MAX_ATTACHMENTS}. Attach fewer.`,
    );
  }
  const budget = new Budget();
  const input: UserInput[] = [textInput(prompt)];
  const infos: AttachmentInfo[] = [];
  for (const attachment of attachments) {
    const prepared = await prepare(folderReal, attachment, budget);
    input.push(prepared.input);
    infos.push(prepared.info);
  }
  return { input, infos };
}

/** @throws BridgeError `PROMPT_EMPTY`, `PROMPT_TOO_LARGE` */
export function checkPrompt(prompt: string): void {
  if (prompt.trim() === '')
    throw new BridgeError('PROMPT_EMPTY', 'The prompt is empty. Say what Codex is to do.');
  if (prompt.length > MAX_PROMPT_LENGTH) {
    throw new BridgeError(
      'PROMPT_TOO_LARGE',
      `The prompt has ${prompt.length} characters, more than ${MAX_PROMPT_LENGTH}. Put the material into files of the folder and name them.`,
    );
  }
}

interface Prepared {
  readonly input: UserInput;
  readonly info: AttachmentInfo;
}

async function prepare(folder: string, attachment: Attachment, budget: Budget): Promise<Prepared> {
  switch (attachment.kind) {
    case 'file':
      return prepareFile(folder, attachment, budget);
    case 'text': {
      const name = oneLine(attachment.name);
      budget.text(name, Buffer.byteLength(attachment.text));
      return {
        input: textInput(`Attached text: ${name}\n\n${attachment.text}`),
        info: { kind: 'text', label: name },
      };
    }
    case 'resource': {
      const uri = oneLine(attachment.uri);
      budget.text(uri, Buffer.byteLength(attachment.text));
      return {
        input: textInput(`Attached resource: ${uri}\n\n${attachment.text}`),
        info: { kind: 'resource', label: uri },
      };
    }
    case 'image':
      return prepareImage(attachment, budget);
  }
}

async function prepareFile(
  folder: string,
  attachment: Extract<Attachment, { kind: 'file' }>,
  budget: Budget,
): Promise<Prepared> {
  const { handle, real, size } = await openInside(folder, attachment.path);
  try {
    const name = oneLine(relative(folder, real).split(sep).join('/'));
    const ranged = attachment.startLine !== undefined || attachment.endLine !== undefined;
    const head = await readAt(handle, 0, 16);
    if (imageType(head) !== undefined && !ranged) {
      budget.image(name, size);
      return { input: { type: 'localImage', path: real }, info: { kind: 'image', label: name } };
    }
    if (ranged) return await prepareLines(handle, name, attachment, budget);
    if (size > MAX_FILE_BYTES) throw tooLarge(name, size, MAX_FILE_BYTES, 'Attach only some of its lines.');
    // One byte more than allowed: the file may have grown since its size was asked.
    const bytes = await readAt(handle, 0, MAX_FILE_BYTES + 1);
    if (bytes.length > MAX_FILE_BYTES) {
      throw tooLarge(name, bytes.length, MAX_FILE_BYTES, 'Attach only some of its lines.');
    }
    budget.text(name, bytes.length);
    return {
      input: textInput(`Attached file: ${name}\n\n${decode(name, bytes)}`),
      info: { kind: 'file', label: name },
    };
  } finally {
    await handle.close();
  }
}

async function prepareLines(
  handle: FileHandle,
  name: string,
  range: { startLine?: number | undefined; endLine?: number | undefined },
  budget: Budget,
): Promise<Prepared> {
  const start = range.startLine ?? 1;
  const end = range.endLine ?? Number.POSITIVE_INFINITY;
  if (end < start) {
    throw new BridgeError('INVALID_INPUT', `Line ${end} of "${name}" comes before line ${start}. Swap them.`);
  }
  const { bytes, lines } = await readLines(handle, name, start, end);
  if (lines < start) {
    throw new BridgeError(
      'INVALID_INPUT',
      `"${name}" has ${lines} lines, so there is no line ${start}. Attach lines that are there.`,
    );
  }
  budget.text(name, bytes.length);
  const last = Math.min(end, lines);
  const label = start === last ? `${name}:${start}` : `${name}:${start}-${last}`;
  const which = start === last ? `line ${start}` : `lines ${start}-${last}`;
  return {
    input: textInput(`Attached file: ${name}, ${which}\n\n${decode(name, bytes)}`),
    info: { kind: 'file', label },
  };
}

/**
 * The bytes of the lines from `start` to `end` (1-based, inclusive), and how many lines were seen until the end
 * of the range or of the file.
 */
async function readLines(
  handle: FileHandle,
  name: string,
  start: number,
  end: number,
): Promise<{ bytes: Buffer; lines: number }> {
  const kept: Buffer[] = [];
  let keptBytes = 0;
  let line = 1;
  let position = 0;
  let lastByte = 0x0a;
  for (;;) {
    const chunk = await readAt(handle, position, CHUNK_BYTES);
    if (chunk.length === 0) return { bytes: Buffer.concat(kept), lines: lastByte === 0x0a ? line - 1 : line };
    position += chunk.length;
    for (let from = 0; from < chunk.length && line <= end; line++) {
      const newline = chunk.indexOf(0x0a, from);
      const to = newline < 0 ? chunk.length : newline + 1;
      if (line >= start) {
        kept.push(chunk.subarray(from, to));
        keptBytes += to - from;
      }
      lastByte = chunk[to - 1] ?? 0x0a;
      from = to;
      if (newline < 0) break;
    }
    if (keptBytes > MAX_FILE_BYTES) throw tooLarge(name, keptBytes, MAX_FILE_BYTES, 'Attach fewer lines.');
    if (line > end) return { bytes: Buffer.concat(kept), lines: end };
    if (position > MAX_SCAN_BYTES) {
      throw tooLarge(name, position, MAX_SCAN_BYTES, 'Copy the lines into a file of their own.');
    }
  }
}

/** Up to `length` bytes from `position` on; fewer only at the end of the file. */
async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

function prepareImage(attachment: Extract<Attachment, { kind: 'image' }>, budget: Budget): Prepared {
  const { mimeType, data } = attachment;
  const label = mimeType;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(data) || data.length % 4 !== 0) {
    throw new BridgeError(
      'INVALID_INPUT',
      'The data of an attached image is no base64. Encode its bytes anew.',
    );
  }
  budget.image('An image', (data.length / 4) * 3);
  if (imageType(Buffer.from(data.slice(0, 24), 'base64')) !== mimeType) {
    throw new BridgeError(
      'INVALID_INPUT',
      `An attached image is not what it says ("${oneLine(mimeType)}"). Give image/png, image/jpeg, image/gif or image/webp.`,
    );
  }
  return {
    input: { type: 'image', url: `data:${mimeType};base64,${data}` },
    info: { kind: 'image', label },
  };
}

/** The type of an image by its first bytes, of those that models take. */
function imageType(head: Buffer): string | undefined {
  const ascii = head.toString('latin1');
  if (ascii.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (ascii.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (ascii.startsWith('GIF87a') || ascii.startsWith('GIF89a')) return 'image/gif';
  if (ascii.startsWith('RIFF') && ascii.slice(8, 12) === 'WEBP') return 'image/webp';
  return undefined;
}

/** @throws BridgeError `INVALID_INPUT` when the bytes are no text */
function decode(name: string, bytes: Buffer): string {
  try {
    if (!bytes.includes(0)) return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // Said below, in words that help.
  }
  throw new BridgeError(
    'INVALID_INPUT',
    `"${name}" is no UTF-8 text. Attach text or an image (PNG, JPEG, GIF, WebP), or name the file in the prompt.`,
  );
}

/** What the attachments of one prompt may have together. */
class Budget {
  #text = 0;
  #images = 0;

  text(name: string, bytes: number): void {
    this.#text += bytes;
    if (this.#text > MAX_TEXT_BYTES) {
      throw tooLarge(`All attached texts up to ${name}`, this.#text, MAX_TEXT_BYTES, 'Attach less.');
    }
  }

  image(name: string, bytes: number): void {
    if (bytes > MAX_IMAGE_BYTES) throw tooLarge(name, bytes, MAX_IMAGE_BYTES, 'Scale it down.');
    this.#images += bytes;
    if (this.#images > MAX_IMAGES_BYTES) {
      throw tooLarge(`All attached images up to ${name}`, this.#images, MAX_IMAGES_BYTES, 'Attach fewer.');
    }
  }
}

function tooLarge(what: string, bytes: number, limit: number, advice: string): BridgeError {
  const kilobytes = (n: number) => `${Math.ceil(n / 1024)} KB`;
  return new BridgeError(
    'ATTACHMENT_TOO_LARGE',
    `"${what}" has ${kilobytes(bytes)}, more than ${kilobytes(limit)}. ${advice}`,
  );
}

function textInput(text: string): UserInput {
  return { type: 'text', text, text_elements: [] };
}

/** A name that can't pretend to be more than the one line of a header that it stands in. */
function oneLine(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\x00-\x1f\x7f\u2028\u2029]/.test(name) ? JSON.stringify(name) : name;
}
