import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RestartPolicy } from '../../src/bridge/sessions/restartPolicy.ts';

const MINUTE = 60_000;

function policyAt(): { policy: RestartPolicy; at: (ms: number) => void } {
  let now = 0;
  return {
    policy: new RestartPolicy({ monotonic: () => now }),
    at: (ms) => {
      now = ms;
    },
  };
}

test('each crash waits longer, and the fifth within three minutes is the last', () => {
  const { policy, at } = policyAt();
  const delays: number[] = [];
  for (let i = 0; i < 4; i++) {
    at(i * 1_000);
    const decision = policy.crashed();
    if (decision.action === 'restart') delays.push(decision.delayMs);
  }
  expect(delays).toEqual([0, 500, 2_000, 8_000]);
  expect(policy.stopped).toBe(false);
  at(5_000);
  expect(policy.crashed()).toEqual({ action: 'stop', crashes: 5, withinMs: 3 * MINUTE });
  expect(policy.stopped).toBe(true);
});

test('crashes more than three minutes ago are forgotten', () => {
  const { policy, at } = policyAt();
  for (let i = 0; i < 20; i++) {
    at(i * MINUTE);
    expect(policy.crashed().action).toBe('restart');
  }
});

test('once stopped it stays so, however much time goes by, until somebody asks', () => {
  const { policy, at } = policyAt();
  for (let i = 0; i < 5; i++) policy.crashed();
  at(60 * MINUTE);
  expect(policy.crashed().action).toBe('stop');
  policy.reset();
  expect(policy.stopped).toBe(false);
  expect(policy.crashed()).toEqual({ action: 'restart', delayMs: 0 });
});

test('stops exactly where five crashes lie within three minutes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2 * MINUTE), { maxLength: 40 }), (gaps) => {
      const { policy, at } = policyAt();
      const crashes: number[] = [];
      let now = 0;
      for (const gap of gaps) {
        now += gap;
        at(now);
        crashes.push(now);
        const recent = crashes.filter((crash) => now - crash < 3 * MINUTE).length;
        const decision = policy.crashed();
        expect(decision.action).toBe(recent >= 5 ? 'stop' : 'restart');
        if (decision.action === 'stop') return;
      }
    }),
  );
});
