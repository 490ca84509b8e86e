import { isAbsolute, relative, resolve, sep } from 'node:path';

/** How a path of Codex's is shown: relative to the folder with `/`, or absolute where it lies outside. */
export function shownPath(folder: string, path: string): string {
  const absolute = resolve(folder, path);
  const inside = relative(folder, absolute);
  if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside))
    return absolute;
  return inside.split(sep).join('/');
}
