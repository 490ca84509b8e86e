import { redact } from './redact.ts';

/** What tells who somebody is, and where their files are. */
export interface Names {
  readonly home: string;
  readonly state: string;
  readonly user: string;
  readonly host: string;
  readonly folders: readonly { readonly key: string; readonly path: string }[];
}

/** Shorter names are parts of other words. */
const SHORTEST_NAME = 3;

/** A report without secrets, paths of the person's, and names: each stands for itself by what it is. */
export function scrub(text: string, names: Names, secrets: readonly string[] = []): string {
  // Before the user's name, which may be a part of it.
  let clean = redact(text, secrets).replace(/[\w.+-]+@[\w-]+(\.[\w-]+)+/g, '<email>');
  // A folder may be in another one, and in the home directory: the longest first.
  for (const { key, path } of [...names.folders].sort((a, b) => b.path.length - a.path.length))
    clean = withoutPath(clean, path, `<folder ${key}>`);
  clean = withoutPath(clean, names.state, '<state>');
  clean = withoutPath(clean, names.home, '~');
  clean = withoutWord(clean, names.user, '<user>');
  return withoutWord(clean, names.host, '<host>');
}

/** Also as it stands in JSON, where Windows' separators are doubled. */
function withoutPath(text: string, path: string, by: string): string {
  if (path.length < SHORTEST_NAME) return text;
  return text.replaceAll(path.replaceAll('\\', '\\\\'), by).replaceAll(path, by);
}

function withoutWord(text: string, word: string, by: string): string {
  if (word.length < SHORTEST_NAME) return text;
  const literal = word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return text.replace(new RegExp(`(?<![\\w-])${literal}(?![\\w-])`, 'g'), by);
}
