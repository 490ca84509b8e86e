/** A shopping list: names with how many of each are wanted. */
export class ShoppingList {
  #items = new Map();

  add(name, count = 1) {
    this.#items.set(name, count);
  }

  total() {
    let total = 0;
    for (const count of this.#items.values()) total += count;
    return total;
  }

  toString() {
    return [...this.#items].map(([name, count]) => `${count} x ${name}`).join('\n');
  }
}
