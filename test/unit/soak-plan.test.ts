import { describe, expect, it } from 'vitest';
import { lastReplacement, planFaults } from '../soak/plan.ts';
import { Prompts } from '../soak/prompts.ts';
import { Random } from '../soak/random.ts';

describe('the plan of a soak', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(planFaults('a', 10)).toEqual(planFaults('a', 10));
    expect(planFaults('a', 10)).not.toEqual(planFaults('b', 10));
  });

  it('has a fault every five seconds, each of them within five minutes', () => {
    const plan = planFaults('a', 60);
    expect(plan).toHaveLength(60 * 12 - 1);
    expect(plan.map(({ at }) => at).slice(0, 3)).toEqual([5_000, 10_000, 15_000]);
    const all = new Set(plan.map(({ fault }) => fault));
    expect(new Set(plan.filter(({ at }) => at < 300_000).map(({ fault }) => fault))).toEqual(all);
    expect(all.size).toBe(17);
  });

  it('ends the bridge only at the beginning, so that its memory can be followed', () => {
    for (const minutes of [2, 60]) {
      const ends = planFaults('a', minutes).filter(({ fault }) => /^(kill|replace)Bridge$/.test(fault));
      expect(new Set(ends.map(({ fault }) => fault)).size).toBe(2);
      expect(Math.max(...ends.map(({ at }) => at))).toBeLessThan(lastReplacement(minutes) * 60_000);
    }
  });
});

describe('an actor of a soak', () => {
  it('asks the same again with the same seed, and never one thing twice', () => {
    const asked = (seed: string) => {
      const prompts = new Prompts('window', new Random(seed));
      return Array.from({ length: 500 }, () => prompts.next().text);
    };
    expect(asked('a')).toEqual(asked('a'));
    expect(asked('a')).not.toEqual(asked('b'));
    expect(new Set(asked('a')).size).toBe(500);
  });
});
