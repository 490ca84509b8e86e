import { expect, test } from 'vitest';
import type { ServerNotification } from '../../src/bridge/codex/generated/ServerNotification.ts';
import { ModelReach } from '../../src/bridge/sessions/modelReach.ts';
import type { TurnError } from '../../src/shared/session.ts';

/** The only fields that are read; Codex says more. */
const error = (message: string) =>
  ({
    method: 'error',
    params: { willRetry: true, error: { message, additionalDetails: 'refused' } },
  }) as ServerNotification;
const item = (type: string) => ({ method: 'item/started', params: { item: { type } } }) as ServerNotification;

function watch() {
  const timers = new Set<{ ms: number; run: () => void }>();
  const errors: TurnError[] = [];
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    after(ms: number, run: () => void) {
      const timer = { ms, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  return { reach: new ModelReach(clock, (found) => errors.push(found)), timers, errors };
}

const WAITING = error('Reconnecting... waiting for network');

test('a model that was never reached is given up once, a second after the first failure', () => {
  const { reach, timers, errors } = watch();
  reach.see(item('userMessage'));
  reach.see(WAITING);
  reach.see(WAITING);
  expect([...timers].map(({ ms }) => ms)).toEqual([1_000]);
  for (const { run } of timers) run();
  expect(errors).toEqual([
    { code: 'MODEL_ERROR', message: expect.stringMatching(/its model \(refused\)\. Check/) },
  ]);
});

test('a model that answers meanwhile is not, nor is a connection that drops later', () => {
  const { reach, timers } = watch();
  reach.see(WAITING);
  reach.see(item('agentMessage'));
  expect(timers.size).toBe(0);
  reach.see(WAITING);
  expect(timers.size).toBe(0);
});

test('counted attempts are left to Codex', () => {
  const { reach, timers } = watch();
  reach.see(error('Reconnecting... 1/5'));
  expect(timers.size).toBe(0);
});

test('nothing is left when the turn has ended', () => {
  const { reach, timers } = watch();
  reach.see(WAITING);
  reach.dispose();
  expect(timers.size).toBe(0);
});
