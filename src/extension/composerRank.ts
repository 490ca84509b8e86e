/**
 * How well a path fits what was typed: the characters must come in this order; a run of them, the beginning of
 * a name and the name itself count more. `undefined`: it does not fit.
 */
export function score(path: string, query: string): number | undefined {
  if (query === '') return 0;
  const text = path.toLowerCase();
  const wanted = query.toLowerCase();
  const name = text.lastIndexOf('/', text.length - 2) + 1;
  const whole = text.indexOf(wanted, name);
  if (whole === name) return 1_000 - path.length / 100;
  if (whole > name) return 800 - path.length / 100;
  if (text.includes(wanted)) return 600 - path.length / 100;
  // In the name alone where it fits there, else anywhere in the path.
  const loose = subsequence(text, wanted, name) ?? subsequence(text, wanted, 0);
  return loose === undefined ? undefined : loose - path.length / 100;
}

function subsequence(text: string, wanted: string, from: number): number | undefined {
  let at = from;
  let points = from > 0 ? 200 : 0;
  for (const character of wanted) {
    const found = text.indexOf(character, at);
    if (found < 0) return undefined;
    if (found === at) points += 5;
    else if (/[/._\-\s]/.test(text[found - 1] ?? '/')) points += 3;
    at = found + character.length;
  }
  return points;
}

/** The paths that fit best, best first; among equals the earlier one in the list comes first. */
export function rank(paths: readonly string[], query: string, limit: number): string[] {
  return paths
    .flatMap((path) => {
      const points = score(path, query);
      return points === undefined ? [] : [{ path, points }];
    })
    .sort((a, b) => b.points - a.points)
    .slice(0, limit)
    .map(({ path }) => path);
}
