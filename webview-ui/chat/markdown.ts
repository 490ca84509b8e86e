import DOMPurify from 'dompurify';
import MarkdownIt from 'markdown-it';

const md = new MarkdownIt({ html: false, linkify: true });
// A picture from the web would tell its server that somebody reads this: it becomes a link.
md.renderer.rules['image'] = (tokens, index) => {
  const token = tokens[index];
  const src = String(token?.attrGet('src') ?? '');
  const text = token?.content === undefined || token.content === '' ? src : token.content;
  return `<a href="${md.utils.escapeHtml(src)}">${md.utils.escapeHtml(text)}</a>`;
};

const POLICY = {
  ALLOWED_TAGS: [
    ...[
      'p',
      'br',
      'hr',
      'h1',
      'h2',
      'h3',
      'h4',
      'h5',
      'h6',
      'blockquote',
      'pre',
      'code',
      'em',
      'strong',
      's',
    ],
    ...['ul', 'ol', 'li', 'a', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
  ],
  ALLOWED_ATTR: ['href', 'title', 'start', 'class'],
  // The web, mail, and paths, also with a line as in "a.ts:12"; no other scheme.
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|[^a-z]|[\w+-]*\.[\w.+-]*:\d|[\w.+-]+(?:[^\w.+:-]|$))/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
};

function sanitized(html: string): string {
  return DOMPurify.sanitize(html, POLICY);
}

/** Markdown of Codex's as HTML that can do nothing but be read. */
export function renderMarkdown(text: string): string {
  return sanitized(md.render(text));
}

/**
 * The same for a text that grows. A top-level block is closed as soon as another one follows it, so only the
 * last block is rendered again: the cost of a frame is that of the last block, not of the whole answer.
 */
export class GrowingMarkdown {
  readonly #sanitize: (html: string) => string;
  #text = '';
  /** HTML of the closed blocks, and where in the text the open one begins. */
  #closed: string[] = [];
  #offset = 0;

  /** `sanitize` is another one only where a test has no DOM. */
  constructor(sanitize: (html: string) => string = sanitized) {
    this.#sanitize = sanitize;
  }

  /** HTML of each block; the same strings as before for the closed ones. */
  update(text: string): readonly string[] {
    if (!text.startsWith(this.#text)) {
      this.#closed = [];
      this.#offset = 0;
    }
    this.#text = text;
    const tail = text.slice(this.#offset);
    const env = {};
    const tokens = md.parse(tail, env);
    const starts: { token: number; line: number }[] = [];
    for (const [place, token] of tokens.entries()) {
      if (token.level === 0 && token.nesting >= 0) starts.push({ token: place, line: token.map?.[0] ?? 0 });
    }
    // The "1" of "1. one" is a paragraph until its point is there, and then goes on with the list before it.
    if (/(?:^|\n) {0,3}\d{1,9}$/.test(tail)) starts.pop();
    const last = starts.at(-1);
    if (last === undefined || starts.length < 2)
      return [...this.#closed, this.#sanitize(md.renderer.render(tokens, md.options, env))];
    for (const [place, start] of starts.slice(0, -1).entries()) {
      const block = tokens.slice(start.token, starts[place + 1]?.token);
      this.#closed.push(this.#sanitize(md.renderer.render(block, md.options, env)));
    }
    this.#offset += lineOffset(tail, last.line);
    return [...this.#closed, this.#sanitize(md.renderer.render(tokens.slice(last.token), md.options, env))];
  }
}

/** Where a line (from 0) begins. */
function lineOffset(text: string, line: number): number {
  let offset = 0;
  for (let i = 0; i < line; i++) offset = text.indexOf('\n', offset) + 1;
  return offset;
}
