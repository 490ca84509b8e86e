import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ShoppingList } from '../src/list.js';

test('lists what was added', () => {
  const list = new ShoppingList();
  list.add('apples', 3);
  assert.equal(list.toString(), '3 x apples');
});

test('adds up what is added twice', () => {
  const list = new ShoppingList();
  list.add('apples', 3);
  list.add('apples', 2);
  assert.equal(list.total(), 5);
});
