import { segmentMatcher } from './glob.ts';

/** One line of a .gitignore file (gitignore(5)). */
interface Rule {
  readonly negated: boolean;
  readonly directoriesOnly: boolean;
  /** Takes the path's components below the directory of the .gitignore file. */
  readonly matches: (components: readonly string[]) => boolean;
}

/** The rules of the .gitignore file of one directory. */
export interface RuleFile {
  /** Components of the directory, from wherever paths are counted. */
  readonly base: readonly string[];
  readonly rules: readonly Rule[];
}

/** Directories that no rule has to name: version control, packages and caches. Their contents are never looked at. */
const ALWAYS_IGNORED = new Set([
  '.git',
  '.hg',
  '.svn',
  '.jj',
  'node_modules',
  'bower_components',
  '__pycache__',
  '.venv',
  '.tox',
  '.mypy_cache',
  '.pytest_cache',
  '.gradle',
  '.terraform',
]);

/** Parses a .gitignore file that lies in the directory `base`. */
export function parseRules(text: string, base: readonly string[], ignoreCase: boolean): RuleFile {
  const rules: Rule[] = [];
  for (const line of text.replace(/^\uFEFF/, '').split('\n')) {
    const rule = parseRule(line.endsWith('\r') ? line.slice(0, -1) : line, ignoreCase);
    if (rule !== undefined) rules.push(rule);
  }
  return { base, rules };
}

function parseRule(line: string, ignoreCase: boolean): Rule | undefined {
  if (line.startsWith('#')) return undefined;
  let pattern = withoutTrailingSpaces(line);
  const negated = pattern.startsWith('!');
  if (negated) pattern = pattern.slice(1);
  const directoriesOnly = pattern.endsWith('/');
  if (directoriesOnly) pattern = pattern.slice(0, -1);
  if (pattern === '') return undefined;
  const matches = pattern.includes('/') ? pathMatcher(pattern, ignoreCase) : nameMatcher(pattern, ignoreCase);
  return { negated, directoriesOnly, matches };
}

/** Spaces at the end count only when they are escaped. */
function withoutTrailingSpaces(line: string): string {
  let end = 0;
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '\\' && i + 1 < line.length) i++;
    else if (line[i] === ' ') continue;
    end = i + 1;
  }
  return line.slice(0, end);
}

/** Without a slash inside, a pattern means the name alone, at any depth. */
function nameMatcher(pattern: string, ignoreCase: boolean): Rule['matches'] {
  const matches = segmentMatcher(pattern, ignoreCase);
  return (components) => matches(components.at(-1) ?? '');
}

/** With a slash inside it means the path, from the directory of the file on. */
function pathMatcher(pattern: string, ignoreCase: boolean): Rule['matches'] {
  const parts = (pattern.startsWith('/') ? pattern.slice(1) : pattern).split('/');
  // "a/**" is all that lies below a, but not a itself.
  if (parts.at(-1) === '**') parts.push('*');
  const matchers = parts.map((part) => (part === '**' ? undefined : segmentMatcher(part, ignoreCase)));
  return (components) => matchComponents(matchers, components);
}

/**
 * `undefined` stands for any number of components. Only the last such place is ever tried again: if the rest can
 * match at all, it can match from there.
 */
function matchComponents(
  matchers: readonly (((name: string) => boolean) | undefined)[],
  components: readonly string[],
): boolean {
  let part = 0;
  let at = 0;
  let retryPart = -1;
  let retryAt = 0;
  while (at < components.length) {
    const matches = matchers[part];
    if (part < matchers.length && matches === undefined) {
      retryPart = ++part;
      retryAt = at;
    } else if (matches?.(components[at] ?? '') === true) {
      part++;
      at++;
    } else if (retryPart >= 0) {
      part = retryPart;
      at = ++retryAt;
    } else {
      return false;
    }
  }
  while (part < matchers.length && matchers[part] === undefined) part++;
  return part === matchers.length;
}

/** All rules of a folder at one moment. Nearer files win over those further up, later lines over earlier ones. */
export class IgnoreRules {
  readonly #outer: readonly RuleFile[];
  /** Components of the folder, from the repository's top. */
  readonly #prefix: readonly string[];
  readonly #files = new Map<string, RuleFile>();

  /** `outer`: rules of directories above the folder, counted from the repository's top, nearest last. */
  constructor(outer: readonly RuleFile[] = [], prefix: readonly string[] = []) {
    this.#outer = outer;
    this.#prefix = prefix;
  }

  /** Adds the rules of a directory of the folder, '' for the folder itself. */
  add(directory: string, file: RuleFile): void {
    this.#files.set(directory, file);
  }

  /** Whether the rules name this path; what lies in an ignored directory must not be asked for. */
  matches(path: string, isDirectory: boolean): boolean {
    const components = path.split('/');
    if (ALWAYS_IGNORED.has(components.at(-1) ?? '')) return true;
    for (let depth = components.length - 1; depth >= 0; depth--) {
      const file = this.#files.get(components.slice(0, depth).join('/'));
      if (file === undefined) continue;
      const verdict = judge(file, components.slice(depth), isDirectory);
      if (verdict !== undefined) return verdict;
    }
    const whole = [...this.#prefix, ...components];
    for (const file of this.#outer.toReversed()) {
      const verdict = judge(file, whole.slice(file.base.length), isDirectory);
      if (verdict !== undefined) return verdict;
    }
    return false;
  }

  /** Whether this path or a directory that it lies in is ignored. */
  ignores(path: string, isDirectory: boolean): boolean {
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      if (this.matches(path.slice(0, slash), true)) return true;
    }
    return this.matches(path, isDirectory);
  }
}

/** What a file's last matching line says; undefined where none matches. */
function judge(file: RuleFile, components: readonly string[], isDirectory: boolean): boolean | undefined {
  for (let i = file.rules.length - 1; i >= 0; i--) {
    const rule = file.rules[i];
    if (rule === undefined || (rule.directoriesOnly && !isDirectory)) continue;
    if (rule.matches(components)) return !rule.negated;
  }
  return undefined;
}
