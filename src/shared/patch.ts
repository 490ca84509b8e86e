import type { ChangeContent, ChangedFile, Hunk } from './changes.ts';
import { sideLines } from './lines.ts';

/** Unchanged lines around a hunk. */
export const CONTEXT = 3;

/** The change as a patch that `git apply` takes. Binary files are only named. */
export function patchOf(content: ChangeContent): string {
  const { file } = content;
  const before = sideLines(content.before);
  const after = sideLines(content.after);
  const head = header(file);
  if (file.binary) {
    return `${head}Binary files ${oldName(file)} and ${newName(file)} differ\n`;
  }
  if (content.hunks.length === 0) return head;
  const blocks = joined(content.hunks).map((hunks) => block(hunks, before, after));
  return `${head}--- ${oldName(file)}\n+++ ${newName(file)}\n${blocks.join('')}`;
}

/** False where a side was too long to be handed out whole. */
export function isWhole({ before, after }: ChangeContent): boolean {
  return (before?.omitted ?? 0) === 0 && (after?.omitted ?? 0) === 0;
}

function header(file: ChangedFile): string {
  const type = file.type === 'link' ? '120' : '100';
  const mode = (bits = 0o644) =>
    file.type === 'link' ? `${type}000` : `${type}${(bits & 0o111) === 0 ? '644' : '755'}`;
  const moved = file.movedTo ?? file.path;
  const lines = [`diff --git ${quoted(`a/${file.path}`)} ${quoted(`b/${moved}`)}`];
  if (file.modeBefore === undefined) lines.push(`new file mode ${mode(file.modeAfter)}`);
  else if (file.modeAfter === undefined) lines.push(`deleted file mode ${mode(file.modeBefore)}`);
  else if (mode(file.modeBefore) !== mode(file.modeAfter)) {
    lines.push(`old mode ${mode(file.modeBefore)}`, `new mode ${mode(file.modeAfter)}`);
  }
  if (file.movedTo !== undefined) {
    lines.push(`rename from ${quoted(file.path)}`, `rename to ${quoted(file.movedTo)}`);
  }
  return `${lines.join('\n')}\n`;
}

function oldName(file: ChangedFile): string {
  return file.modeBefore === undefined ? '/dev/null' : quoted(`a/${file.path}`);
}

function newName(file: ChangedFile): string {
  return file.modeAfter === undefined ? '/dev/null' : quoted(`b/${file.movedTo ?? file.path}`);
}

const NAMED: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
};

/** As git writes a name with characters that would end it. */
function quoted(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: just these have to be written otherwise
  const special = /["\\\u0000-\u001f\u007f]/g;
  const written = name.replaceAll(
    special,
    (one) => NAMED[one] ?? `\\${one.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  return written === name ? name : `"${written}"`;
}

/** Hunks whose unchanged lines around would meet are one block. */
function joined(hunks: readonly Hunk[]): Hunk[][] {
  const blocks: Hunk[][] = [];
  for (const hunk of hunks) {
    const last = blocks.at(-1)?.at(-1);
    const near = last !== undefined && hunk.afterStart - last.afterStart - last.afterCount <= 2 * CONTEXT;
    if (near) blocks.at(-1)?.push(hunk);
    else blocks.push([hunk]);
  }
  return blocks;
}

function block(hunks: readonly Hunk[], before: readonly string[], after: readonly string[]): string {
  const [first] = hunks;
  const last = hunks.at(-1);
  if (first === undefined || last === undefined) return '';
  const lead = Math.min(CONTEXT, first.afterStart);
  const lastAfter = last.afterStart + last.afterCount;
  const lastBefore = last.beforeStart + last.beforeCount;
  const trail = Math.min(CONTEXT, after.length - lastAfter);
  const fromB = first.beforeStart - lead;
  const fromA = first.afterStart - lead;
  const lines: string[] = [];
  let at = fromA;
  for (const hunk of hunks) {
    for (; at < hunk.afterStart; at++) lines.push(line(' ', after[at]));
    for (let n = 0; n < hunk.beforeCount; n++) lines.push(line('-', before[hunk.beforeStart + n]));
    for (let n = 0; n < hunk.afterCount; n++) lines.push(line('+', after[hunk.afterStart + n]));
    at = hunk.afterStart + hunk.afterCount;
  }
  for (; at < lastAfter + trail; at++) lines.push(line(' ', after[at]));
  const side = (from: number, count: number) => `${count === 0 ? from : from + 1},${count}`;
  const old = side(fromB, lastBefore + trail - fromB);
  return `@@ -${old} +${side(fromA, lastAfter + trail - fromA)} @@\n${lines.join('')}`;
}

function line(sign: string, text = ''): string {
  return text.endsWith('\n') ? `${sign}${text}` : `${sign}${text}\n\\ No newline at end of file\n`;
}
