import { afterEach, expect, it, vi } from 'vitest';

const compared: [number, number][] = [];

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  return {
    ...crypto,
    timingSafeEqual(a: Uint8Array, b: Uint8Array) {
      compared.push([a.length, b.length]);
      return crypto.timingSafeEqual(a, b);
    },
  };
});

const { Tokens } = await import('../../src/bridge/http/tokens.ts');

afterEach(() => {
  compared.length = 0;
});

it('A4: every token is compared with all of ours, by digests of one length', () => {
  const tokens = new Tokens();
  const home = tokens.folder('0123456789abcdef');
  tokens.folder('fedcba9876543210');
  for (const given of [
    '',
    'x',
    home.slice(1),
    home.slice(0, -1),
    `${home}x`,
    'x'.repeat(10_000),
    home,
    tokens.all,
  ]) {
    compared.length = 0;
    tokens.authorize(given);
    expect(compared).toEqual([
      [32, 32],
      [32, 32],
      [32, 32],
    ]);
  }
});

it('A4: tokens have 256 bits, and another bridge has others', () => {
  const tokens = [new Tokens(), new Tokens()].flatMap((one) => [one.all, one.folder('a'), one.folder('b')]);
  expect(new Set(tokens).size).toBe(6);
  for (const token of tokens) {
    // Whatever stands before them to tell what it is.
    expect(Buffer.from(token.slice(-43), 'base64url')).toHaveLength(32);
  }
});
