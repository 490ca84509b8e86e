import { highlighted } from '../chat/highlight.ts';
import type { Range } from './words.ts';

/** A run of one line in one style; classes of highlight.js, '' for plain text. */
export interface Token {
  readonly text: string;
  readonly style: string;
  readonly marked?: boolean;
}

const LANGUAGES: Readonly<Record<string, string>> = {
  sh: 'bash',
  bash: 'bash',
  zsh: 'bash',
  c: 'c',
  h: 'c',
  cc: 'c',
  cpp: 'c',
  hpp: 'c',
  css: 'css',
  scss: 'css',
  less: 'css',
  go: 'go',
  ini: 'ini',
  toml: 'ini',
  cfg: 'ini',
  conf: 'ini',
  properties: 'ini',
  java: 'java',
  kt: 'java',
  cs: 'java',
  js: 'javascript',
  jsx: 'javascript',
  mjs: 'javascript',
  cjs: 'javascript',
  json: 'json',
  jsonc: 'json',
  py: 'python',
  pyi: 'python',
  rs: 'rust',
  sql: 'sql',
  ts: 'typescript',
  tsx: 'typescript',
  mts: 'typescript',
  cts: 'typescript',
  html: 'xml',
  htm: 'xml',
  xml: 'xml',
  svg: 'xml',
  vue: 'xml',
  yaml: 'yaml',
  yml: 'yaml',
};

/** What highlight.js calls the language of a file; undefined: none that is known. */
export function languageOf(path: string): string | undefined {
  const extension = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase();
  return extension === undefined || !Object.hasOwn(LANGUAGES, extension) ? undefined : LANGUAGES[extension];
}

/** Lines in the colours of their language; each line's tokens are its text, without its end. */
export function colouredLines(lines: readonly string[], language: string | undefined): Token[][] {
  const texts = lines.map((line) => line.replace(/\n$/, ''));
  const html = language === undefined ? undefined : highlighted(texts.join('\n'), language);
  if (html === undefined) return texts.map((text) => [{ text, style: '' }]);
  return htmlLines(html);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#x27;': "'",
};

/** What highlight.js writes: text, five entities, and spans with a class. */
function htmlLines(html: string): Token[][] {
  let line: Token[] = [];
  const lines = [line];
  const styles: string[] = [];
  for (const [piece] of html.matchAll(/<span class="[^"]*">|<\/span>|[^<]+/g)) {
    if (piece === '</span>') styles.pop();
    else if (piece.startsWith('<span')) styles.push(piece.slice('<span class="'.length, -2));
    else {
      const text = piece.replaceAll(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => ENTITIES[entity] ?? entity);
      for (const [place, part] of text.split('\n').entries()) {
        if (place > 0) {
          line = [];
          lines.push(line);
        }
        if (part !== '') line.push({ text: part, style: styles.at(-1) ?? '' });
      }
    }
  }
  return lines;
}

/** The tokens cut at the marks. */
export function withMarks(tokens: readonly Token[], marks: readonly Range[]): Token[] {
  if (marks.length === 0) return [...tokens];
  const result: Token[] = [];
  let at = 0;
  for (const { text, style } of tokens) {
    const end = at + text.length;
    const cuts = [at, ...marks.flatMap(({ from, to }) => [from, to]), end]
      .filter((cut) => cut >= at && cut <= end)
      .sort((a, b) => a - b);
    for (const [place, from] of cuts.slice(0, -1).entries()) {
      const to = cuts[place + 1] ?? end;
      if (to === from) continue;
      const marked = marks.some((mark) => mark.from <= from && to <= mark.to);
      result.push({ text: text.slice(from - at, to - at), style, ...(marked ? { marked } : {}) });
    }
    at = end;
  }
  return result;
}
