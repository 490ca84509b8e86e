import { describe, expect, test } from 'vitest';
import { DisposableStore, Emitter, toDisposable } from '../../src/shared/disposables.ts';

describe('DisposableStore', () => {
  test('ends what it owns once, the last first', () => {
    const ended: string[] = [];
    const store = new DisposableStore();
    for (const name of ['a', 'b', 'c']) store.add({ dispose: () => void ended.push(name) });
    store.dispose();
    store.dispose();
    expect(ended).toEqual(['c', 'b', 'a']);
    expect(store.disposed).toBe(true);
  });

  test('adding to an ended store ends at once', () => {
    const store = new DisposableStore();
    store.dispose();
    let ended = 0;
    store.add({ dispose: () => void ended++ });
    expect(ended).toBe(1);
  });

  test('a deleted one is ended at once, and not again', () => {
    const store = new DisposableStore();
    let ended = 0;
    const item = store.add({ dispose: () => void ended++ });
    store.delete(item);
    store.dispose();
    expect(ended).toBe(1);
  });

  test('one that throws does not keep the others alive, and is told', () => {
    const store = new DisposableStore();
    let ended = 0;
    store.add({ dispose: () => void ended++ });
    store.add({
      dispose: () => {
        throw new Error('stuck');
      },
    });
    expect(() => store.dispose()).toThrow(AggregateError);
    expect(ended).toBe(1);
  });

  test('toDisposable runs once', () => {
    let ended = 0;
    const item = toDisposable(() => void ended++);
    item.dispose();
    item.dispose();
    expect(ended).toBe(1);
  });
});

describe('Emitter', () => {
  function emitter(): { emitter: Emitter<number>; errors: unknown[] } {
    const errors: unknown[] = [];
    return { emitter: new Emitter<number>((error) => void errors.push(error)), errors };
  }

  test('tells all, in order, until they leave', () => {
    const { emitter: it } = emitter();
    const seen: string[] = [];
    const a = it.on((value) => void seen.push(`a${value}`));
    it.on((value) => void seen.push(`b${value}`));
    it.fire(1);
    a.dispose();
    it.fire(2);
    expect(seen).toEqual(['a1', 'b1', 'b2']);
    expect(it.listenerCount).toBe(1);
  });

  test('the same function twice is two subscriptions', () => {
    const { emitter: it } = emitter();
    let told = 0;
    const listener = () => void told++;
    const first = it.on(listener);
    it.on(listener);
    it.fire(1);
    first.dispose();
    first.dispose();
    it.fire(2);
    expect(told).toBe(3);
  });

  test('a listener that throws is reported and hurts nobody', () => {
    const { emitter: it, errors } = emitter();
    let told = 0;
    it.on(() => {
      throw new Error('broken');
    });
    it.on(() => void told++);
    it.fire(1);
    expect(told).toBe(1);
    expect(errors).toHaveLength(1);
  });

  test('listeners may leave and come while they are told', () => {
    const { emitter: it } = emitter();
    const seen: string[] = [];
    const first = it.on(() => {
      seen.push('first');
      first.dispose();
      it.on(() => void seen.push('new'));
    });
    it.on(() => void seen.push('second'));
    it.fire(1);
    expect(seen).toEqual(['first', 'second']);
    it.fire(2);
    expect(seen).toEqual(['first', 'second', 'second', 'new']);
  });

  test('after dispose nobody is told', () => {
    const { emitter: it } = emitter();
    let told = 0;
    it.on(() => void told++);
    it.dispose();
    it.fire(1);
    expect([told, it.listenerCount]).toEqual([0, 0]);
  });
});
