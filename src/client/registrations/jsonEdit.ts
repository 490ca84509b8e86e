import { type Node, visit } from 'jsonc-parser';

// jsonc-parser's own `modify` lays out the lines around its change anew. Here not a byte of what is somebody
// else's changes, and what was inserted leaves no trace when it is removed.

/** How a file is written. */
interface Style {
  readonly eol: string;
  readonly indent: string;
}

/** The text with a property of an object set; the object is there. */
export function setProperty(text: string, object: Node, key: string, value: unknown): string {
  const style = styleOf(text);
  const property = propertyOf(object, key);
  const depth = depthOf(object) + 1;
  if (property !== undefined) {
    const old = property.children?.[1];
    if (old === undefined) return text;
    return splice(text, old.offset, end(old), layOut(value, depth, style));
  }
  const line = `${style.eol}${style.indent.repeat(depth)}${JSON.stringify(key)}: ${layOut(value, depth, style)}`;
  const last = object.children?.at(-1);
  const close = end(object) - 1;
  const from = last === undefined ? object.offset + 1 : end(last);
  const comma = last === undefined ? undefined : commaAfter(text, from, close);
  const at = contentEnd(text, from, close);
  // Where the closing brace has a line of its own it keeps it.
  const tail = text.slice(at, close).includes('\n') ? '' : `${style.eol}${style.indent.repeat(depth - 1)}`;
  // A comma behind the last one is the file's own style.
  const after = splice(text, at, at, `${line}${comma === undefined ? '' : ','}${tail}`);
  return last !== undefined && comma === undefined ? splice(after, from, from, ',') : after;
}

/** The text without a property of an object. */
export function removeProperty(text: string, object: Node, key: string): string {
  const property = propertyOf(object, key);
  if (property === undefined) return text;
  const siblings = object.children ?? [];
  const index = siblings.indexOf(property);
  const close = end(object) - 1;
  const comma = commaAfter(text, end(property), close);
  const before = siblings[index - 1];
  const start = property.offset - spaceBefore(text, property.offset);
  const without = splice(text, start, comma === undefined ? end(property) : comma + 1, '');
  // Ours was the last without a comma: then the one before it needs none.
  const needless =
    comma === undefined && before !== undefined ? commaAfter(text, end(before), close) : undefined;
  const rest = needless === undefined ? without : splice(without, needless, needless + 1, '');
  // An object with nothing in it, not even a comment, is closed at once.
  const left = rest.slice(object.offset + 1, rest.length - (text.length - close));
  return left.trim() === '' ? splice(rest, object.offset + 1, object.offset + 1 + left.length, '') : rest;
}

/** The property of an object by its key. */
export function propertyOf(object: Node, key: string): Node | undefined {
  return object.children?.find(({ children }) => children?.[0]?.value === key);
}

function splice(text: string, from: number, to: number, insert: string): string {
  return text.slice(0, from) + insert + text.slice(to);
}

function end({ offset, length }: Node): number {
  return offset + length;
}

/** How many objects are around it. */
function depthOf(node: Node): number {
  let depth = 0;
  for (let up = node.parent; up !== undefined; up = up.parent) if (up.type === 'object') depth++;
  return depth;
}

function styleOf(text: string): Style {
  return {
    eol: text.includes('\r\n') ? '\r\n' : '\n',
    indent: /^([ \t]+)"/m.exec(text)?.[1] ?? '  ',
  };
}

function layOut(value: unknown, depth: number, { eol, indent }: Style): string {
  const lines = JSON.stringify(value, undefined, indent).split('\n');
  return lines.join(`${eol}${indent.repeat(depth)}`);
}

/** Where the comma behind a value is; comments may be between. */
function commaAfter(text: string, from: number, to: number): number | undefined {
  let found: number | undefined;
  const onSeparator = (character: string, offset: number) => {
    if (character === ',' && offset >= from && offset < to) found ??= offset;
  };
  visit(text, { onSeparator }, { allowTrailingComma: true });
  return found;
}

/** The end of the last comma or comment before a closing brace. */
function contentEnd(text: string, from: number, to: number): number {
  let at = from;
  const passed = (offset: number, length: number) => {
    if (offset >= from && offset < to) at = Math.max(at, offset + length);
  };
  visit(
    text,
    { onComment: passed, onSeparator: (_character, offset) => passed(offset, 1) },
    { allowTrailingComma: true },
  );
  return at;
}

/** The length of the white space before it, with the line's beginning. */
function spaceBefore(text: string, at: number): number {
  return /\s*$/.exec(text.slice(0, at))?.[0].length ?? 0;
}
