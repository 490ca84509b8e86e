import { randomBytes } from 'node:crypto';
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import { removeProperty, setProperty } from './jsonEdit.ts';

/** A configuration file that is larger is none. */
const MAX_BYTES = 8 * 1024 * 1024;

/** One file as it is and as it will be; null: it is not there. */
export interface Edit {
  /** Its real path. */
  readonly file: string;
  readonly before: string | null;
  readonly after: string | null;
}

/**
 * The real path that a file is written to. Links are followed as long as they stay inside: a link in a project
 * must not make us write elsewhere.
 *
 * @param inside directories that it may be in
 * @throws BridgeError `CLIENT_CONFIG_UNUSABLE`
 */
export async function realFile(file: string, inside: readonly string[]): Promise<string> {
  const real = await realOf(file);
  const roots = await Promise.all(inside.map(realOf));
  if (roots.some((root) => contains(root, real))) return real;
  throw unusable(file, `it leads to ${real}, which is outside of ${inside.join(' and ')}`);
}

/** Of a path whose end may not exist yet. A link into nothing is refused: nobody knows what it is for. */
async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isMissing(error)) throw unusable(path, messageOf(error));
  }
  const entry = await lstat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw unusable(path, messageOf(error));
  });
  if (entry !== undefined) throw unusable(path, 'it is a link to nothing');
  const parent = dirname(path);
  return parent === path ? path : join(await realOf(parent), basename(path));
}

function contains(root: string, path: string): boolean {
  const way = relative(resolve(root), resolve(path));
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Its text, or null where there is none. @throws BridgeError `CLIENT_CONFIG_UNUSABLE` */
export async function readConfig(file: string): Promise<string | null> {
  try {
    const found = await stat(file);
    if (!found.isFile()) throw unusable(file, 'it is no file');
    if (found.size > MAX_BYTES) throw unusable(file, 'it is too large for a configuration');
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(file));
  } catch (error) {
    if (isMissing(error)) return null;
    if (error instanceof BridgeError) throw error;
    throw unusable(file, error instanceof TypeError ? 'it is not UTF-8' : messageOf(error));
  }
}

/** The value at a path of keys; undefined where there is none. @throws BridgeError `CLIENT_CONFIG_UNUSABLE` */
export function valueAt(file: string, text: string | null, path: readonly string[]): unknown {
  const tree = parse(file, text ?? '');
  if (tree === undefined) return undefined;
  const node = findNodeAtLocation(tree, [...path]);
  return node === undefined ? undefined : plainValue(node);
}

/**
 * The text with one value set, or removed where it is undefined. Everything else stays as it is, byte for byte.
 *
 * @throws BridgeError `CLIENT_CONFIG_UNUSABLE` for what is no JSON object, comments allowed
 */
export function withValue(
  file: string,
  text: string | null,
  [key, name]: readonly [string, string],
  value: unknown,
): string {
  const { bom, body } = splitBom(text ?? '');
  const before = parse(file, body);
  checkWay(file, before, [key, name]);
  if (text !== null && isDeepStrictEqual(valueAt(file, body, [key, name]), value)) return text;
  // Nothing in it, or nothing but comments.
  const source = before === undefined ? `${body.trim() === '' ? '' : `${body.trimEnd()}\n`}{}\n` : body;
  const root = before ?? parse(file, source);
  if (root === undefined) throw unusable(file, 'it holds no JSON object');
  const object = findNodeAtLocation(root, [key]);
  const after =
    object !== undefined
      ? value === undefined
        ? removeProperty(source, object, name)
        : setProperty(source, object, name, value)
      : value === undefined
        ? source
        : setProperty(source, root, key, { [name]: value });
  // The one thing that must never happen is a file that its owner can't read any more, or reads differently.
  if (!isDeepStrictEqual(plain(file, after), expected(plain(file, source), [key, name], value)))
    throw unusable(file, 'it is written in a way that could not be kept');
  return bom + after;
}

function expected(root: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  // Only objects are on the way: checkWay has looked.
  const object = { ...((root ?? {}) as Record<string, unknown>) };
  if (key === undefined) return value;
  const last = rest.length === 0;
  if (last && value === undefined) delete object[key];
  else if (!last && value === undefined && object[key] === undefined) return object;
  else object[key] = last ? value : expected(object[key], rest, value);
  return object;
}

function plain(file: string, text: string): unknown {
  const tree = parse(file, text);
  return tree === undefined ? {} : plainValue(tree);
}

/** The parser's own objects have no prototype, and then equal no others. */
function plainValue(node: Node): unknown {
  return structuredClone(getNodeValue(node));
}

/** Undefined for a file with nothing, or nothing but comments, in it. */
function parse(file: string, text: string): Node | undefined {
  const errors: ParseError[] = [];
  const { body } = splitBom(text);
  const tree = parseTree(body, errors, { allowTrailingComma: true, allowEmptyContent: true });
  const first = errors[0];
  if (first !== undefined) {
    const line = body.slice(0, first.offset).split('\n').length;
    throw unusable(file, `it is no JSON (line ${line}: ${printParseErrorCode(first.error)})`);
  }
  if (tree !== undefined && tree.type !== 'object') throw unusable(file, 'it holds no JSON object');
  return tree;
}

/** What is on the way is an object, and there once: of two the client may read the other one. */
function checkWay(file: string, tree: Node | undefined, path: readonly string[]): void {
  let node = tree;
  for (const [depth, key] of path.entries()) {
    if (node === undefined) return;
    if (node.type !== 'object') throw unusable(file, `"${path[depth - 1]}" is no object in it`);
    const found: Node[] = (node.children ?? []).filter(({ children }) => children?.[0]?.value === key);
    if (found.length > 1) throw unusable(file, `"${key}" is in it twice`);
    node = found[0]?.children?.[1];
  }
}

function splitBom(text: string): { readonly bom: string; readonly body: string } {
  return text.startsWith('\uFEFF') ? { bom: '\uFEFF', body: text.slice(1) } : { bom: '', body: text };
}

/**
 * Writes, or removes, the file at once and whole, if it still is what it was when the edit was planned.
 *
 * @throws BridgeError `CLIENT_CONFIG_UNUSABLE`; nothing has changed then
 */
export async function writeEdit({ file, before, after }: Edit): Promise<void> {
  if ((await readConfig(file)) !== before) {
    throw unusable(file, 'it was changed by another program just now. Try again');
  }
  try {
    if (after === null) await removeWhole(file);
    else await writeWhole(file, after);
  } catch (error) {
    throw unusable(file, messageOf(error));
  }
}

/** With the folder that was made for it (`.vscode`, `.cursor`, `.gemini`), where nothing else is in it. */
async function removeWhole(file: string): Promise<void> {
  await rm(file, { force: true });
  const folder = dirname(file);
  if (basename(folder).startsWith('.') && (await readdir(folder)).length === 0) await rmdir(folder);
}

async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const mode = await stat(file).then(
    (found) => found.mode & 0o777,
    (error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    },
  );
  const draft = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(draft, 'wx', mode);
    // The umask may have taken something from the mode that the file had.
    if (mode !== undefined) await handle.chmod(mode);
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(draft, file);
  } catch (error) {
    await handle?.close();
    await rm(draft, { force: true });
    throw error;
  }
}

/** The one error about a configuration file: which, why, and that it was left alone. */
export function unusable(file: string, why: string): BridgeError {
  return new BridgeError(
    'CLIENT_CONFIG_UNUSABLE',
    `${file} was not changed: ${why}. Correct it, or add the entry by hand ("codex-bridge connect json" prints it).`,
  );
}

function isMissing(error: unknown): boolean {
  // ENOTDIR: a file where the path wants a directory, told again where the directory is made.
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
