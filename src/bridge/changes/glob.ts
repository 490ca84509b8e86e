/** One character of a glob: a literal, any, one of a class, or `*`. */
type Token =
  | { readonly kind: 'literal'; readonly char: string }
  | { readonly kind: 'class'; readonly matches: (char: string) => boolean }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' };

/** POSIX classes as wildmatch knows them, in the C locale. */
const POSIX: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\s',
  upper: 'A-Z',
  xdigit: 'A-Fa-f0-9',
};

/**
 * Matches one path component against a glob with `*`, `?`, `[…]` and `\`. A pattern that git calls invalid
 * matches nothing. The time is at most pattern times name, whatever the pattern is.
 */
export function segmentMatcher(pattern: string, ignoreCase: boolean): (name: string) => boolean {
  const fold = ignoreCase ? (text: string) => text.toLowerCase() : (text: string) => text;
  const tokens = tokenize(fold(pattern), ignoreCase);
  if (tokens === undefined) return () => false;
  const literals = tokens.map((token) => (token.kind === 'literal' ? token.char : undefined));
  if (!literals.includes(undefined)) {
    const exact = literals.join('');
    return (name) => fold(name) === exact;
  }
  if (tokens[0]?.kind === 'star' && !literals.slice(1).includes(undefined)) {
    const suffix = literals.slice(1).join('');
    return (name) => fold(name).endsWith(suffix);
  }
  return (name) => matchTokens(tokens, fold(name));
}

/** Only the last star is ever tried again: an earlier one could not do better. */
function matchTokens(tokens: readonly Token[], name: string): boolean {
  let at = 0;
  let token = 0;
  let retryToken = -1;
  let retryAt = 0;
  while (at < name.length) {
    const current = tokens[token];
    if (current?.kind === 'star') {
      retryToken = ++token;
      retryAt = at;
    } else if (current !== undefined && matchesOne(current, name[at] ?? '')) {
      token++;
      at++;
    } else if (retryToken >= 0) {
      token = retryToken;
      at = ++retryAt;
    } else {
      return false;
    }
  }
  while (tokens[token]?.kind === 'star') token++;
  return token === tokens.length;
}

function matchesOne(token: Token, char: string): boolean {
  if (token.kind === 'literal') return token.char === char;
  return token.kind === 'class' ? token.matches(char) : true;
}

function tokenize(pattern: string, ignoreCase: boolean): Token[] | undefined {
  const tokens: Token[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] ?? '';
    if (char === '*') {
      if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' });
    } else if (char === '?') {
      tokens.push({ kind: 'any' });
    } else if (char === '\\') {
      const next = pattern[++i];
      if (next === undefined) return undefined;
      tokens.push({ kind: 'literal', char: next });
    } else if (char === '[') {
      const found = parseClass(pattern, i + 1, ignoreCase);
      if (found === undefined) return undefined;
      tokens.push({ kind: 'class', matches: found.matches });
      i = found.end;
    } else {
      tokens.push({ kind: 'literal', char });
    }
  }
  return tokens;
}

/** A class from behind its `[` on, as one regular expression of one character; `end` is its `]`. */
function parseClass(
  pattern: string,
  start: number,
  ignoreCase: boolean,
): { matches: (char: string) => boolean; end: number } | undefined {
  let i = start;
  const negated = pattern[i] === '!' || pattern[i] === '^';
  if (negated) i++;
  const parts: string[] = [];
  for (let first = true; ; first = false) {
    const char = pattern[i];
    if (char === undefined) return undefined;
    if (char === ']' && !first) break;
    const posix = /^\[:([a-z]*):\]/.exec(pattern.slice(i, i + 12));
    if (posix !== null) {
      const set = POSIX[posix[1] ?? ''];
      if (set === undefined) return undefined;
      parts.push(set);
      i += posix[0].length;
      continue;
    }
    const low = readClassChar(pattern, i);
    if (low === undefined) return undefined;
    i = low.next;
    if (pattern[i] === '-' && pattern[i + 1] !== undefined && pattern[i + 1] !== ']') {
      const high = readClassChar(pattern, i + 1);
      if (high === undefined) return undefined;
      i = high.next;
      // A range that runs backwards is its first character only, as in git's wildmatch.
      if (low.char <= high.char) parts.push(`${unicode(low.char)}-${unicode(high.char)}`);
    }
    parts.push(unicode(low.char));
  }
  if (parts.length === 0) return { matches: () => negated, end: i };
  const expression = new RegExp(`^[${parts.join('')}]$`, ignoreCase ? 'i' : '');
  return { matches: (char) => expression.test(char) !== negated, end: i };
}

function readClassChar(pattern: string, at: number): { char: string; next: number } | undefined {
  const escaped = pattern[at] === '\\';
  const char = pattern[escaped ? at + 1 : at];
  return char === undefined ? undefined : { char, next: at + (escaped ? 2 : 1) };
}

function unicode(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
