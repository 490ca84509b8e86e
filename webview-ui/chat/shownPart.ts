/** Where the drawn part of a transcript begins: a turn, and how many of its items are left out. */
export interface Start {
  readonly turn: number;
  readonly item: number;
}

/**
 * The start that lies so many items further up. A turn counts one more than its items: its prompt. What is
 * above is drawn when the reader goes there, so that a session of thousands of items opens at once.
 *
 * @param sizes how many items each turn has
 * @param from not drawn yet; where it begins, what comes before it is
 */
export function startBefore(sizes: readonly number[], from: Start, items: number): Start {
  let left = items;
  let { turn, item } = from;
  while (left > 0 && (turn > 0 || item > 0)) {
    if (item === 0) {
      turn -= 1;
      item = (sizes[turn] ?? 0) + 1;
    }
    const taken = Math.min(left, item);
    item -= taken;
    left -= taken;
  }
  // A turn whose prompt alone is left out is drawn whole.
  return item <= 1 ? { turn, item: 0 } : { turn, item: item - 1 };
}
