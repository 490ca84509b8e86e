import { describe, expect, test } from 'vitest';
import { Silence } from '../../src/bridge/faces/silence.ts';
import { keepAsking } from '../../src/client/heartbeat.ts';
import { HEARTBEAT_MS } from '../../src/shared/faces.ts';
import { FakeClock } from '../support/fakeBridge.ts';

/** One side that asks; `answers` is what the other does. */
function asking(answers: () => boolean) {
  const clock = new FakeClock();
  const seen = { pings: 0, told: 0, deadAt: undefined as number | undefined, held: false };
  const heartbeat = keepAsking(
    {
      ping: () => {
        seen.pings += 1;
        return answers() ? Promise.resolve() : new Promise(() => {});
      },
      tell: () => {
        seen.told += 1;
      },
      held: () => seen.held,
      onDead: () => {
        seen.deadAt ??= clock.now();
      },
    },
    (ms, callback) => clock.after(ms, callback),
  );
  /** In steps, so that answers arrive between them. */
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 1_000) {
      clock.advance(1_000);
      await Promise.resolve();
    }
  };
  return { clock, seen, heartbeat, pass };
}

describe('B11: who asks', () => {
  test('B11: a side that answers is asked for ever; one that stops is found dead within 45 s, whenever it stops', async () => {
    for (let stopsAt = 60_000; stopsAt <= 75_000; stopsAt += 1_000) {
      const { clock, seen, pass } = asking(() => clock.now() < stopsAt);
      await pass(stopsAt);
      expect(seen.deadAt).toBeUndefined();
      expect(seen.pings).toBe(Math.floor(stopsAt / HEARTBEAT_MS));
      await pass(60_000);
      expect((seen.deadAt ?? Number.POSITIVE_INFINITY) - stopsAt).toBeLessThanOrEqual(45_000);
    }
  });

  test('while nothing is read silence is none, and the other side is still told that we are there', async () => {
    const { seen, pass } = asking(() => false);
    seen.held = true;
    await pass(10 * 60_000);
    expect(seen.deadAt).toBeUndefined();
    expect(seen.pings + seen.told).toBe((10 * 60_000) / HEARTBEAT_MS);
  });

  test('nothing is left when it ends', async () => {
    const { clock, heartbeat, pass } = asking(() => false);
    await pass(35_000);
    heartbeat.dispose();
    expect(clock.pending).toBe(0);
  });
});

describe('B11: who listens', () => {
  test('B11: a face that says nothing any more is found silent within 45 s of its last word, and not before the second pause', () => {
    for (let lastWord = 0; lastWord < 2 * HEARTBEAT_MS; lastWord += 1_000) {
      const clock = new FakeClock();
      let silentAt: number | undefined;
      const silence = new Silence(clock, () => {
        silentAt = clock.now();
      });
      clock.advance(lastWord);
      silence.heard();
      clock.advance(120_000);
      const after = (silentAt ?? Number.POSITIVE_INFINITY) - lastWord;
      expect(after).toBeLessThanOrEqual(45_000);
      expect(after).toBeGreaterThan(HEARTBEAT_MS);
      expect(clock.pending).toBe(0);
    }
  });

  test('one that keeps its promise is never silent', () => {
    const clock = new FakeClock();
    let silent = false;
    const silence = new Silence(clock, () => {
      silent = true;
    });
    for (let i = 0; i < 1_000; i++) {
      clock.advance(HEARTBEAT_MS + (i % 2 === 0 ? 900 : -900));
      silence.heard();
    }
    expect(silent).toBe(false);
  });
});
