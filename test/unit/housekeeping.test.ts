import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { CodexHost } from '../../src/bridge/folders/codexHost.ts';
import { Housekeeping } from '../../src/bridge/folders/housekeeping.ts';
import { openHistory } from '../../src/bridge/history/history.ts';
import { LiveSession, type SessionHost } from '../../src/bridge/sessions/liveSession.ts';
import { SessionMap } from '../../src/bridge/sessions/sessionMap.ts';
import { Threads } from '../../src/bridge/sessions/threads.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { MemoryLogger } from '../support/appServers.ts';
import { SkewClock } from '../support/skewClock.ts';
import { queuedTurn, sessionWith } from './support/sessions.ts';

const MINUTE = 60_000;

it('no more sessions stay in memory than may be loaded; those in use and those that are watched do', async () => {
  const clock = new SkewClock();
  const live = new SessionMap();
  const logger = new MemoryLogger();
  const history = openHistory(':memory:', sessionWith().folder, { logger, clock });
  // Sessions that nothing happens to ask their host for the time only.
  const host = { clock } as unknown as SessionHost;
  const add = (id: string, turns = sessionWith().turns) => {
    const session = new LiveSession(host, { ...sessionWith(turns), id }, () => {});
    live.keep(session);
    clock.advance(1);
    return session;
  };
  const busy = add('busy', [queuedTurn('t_1')]);
  const watched = add('watched');
  const watching = watched.onChange(() => {});
  const looked = ['a', 'b', 'c', 'd', 'e'].map((id) => add(id));
  const settings = () => ({
    ...DEFAULT_SETTINGS,
    limits: { ...DEFAULT_SETTINGS.limits, loadedSessions: 2 },
  });
  const housekeeping = new Housekeeping({
    ...{ clock, live, settings, logger, history },
    // Nothing is loaded.
    codex: { connected: undefined } as unknown as CodexHost,
    threads: new Threads({ folder: '/f', settings }),
    session: () => {
      throw new Error('no session is loaded');
    },
    hasTerminal: () => false,
    activeTurns: () => 1,
    delete: () => Promise.reject(new Error('none expires')),
  });
  const kept = () =>
    live
      .values()
      .map(({ id }) => id)
      .sort();
  housekeeping.start();
  expect(kept()).toHaveLength(7);
  clock.advance(MINUTE);
  await setImmediate();
  expect(kept()).toEqual(['busy', 'd', 'e', 'watched']);
  watching.dispose();
  clock.advance(MINUTE);
  await setImmediate();
  expect(kept()).toEqual(['busy', 'd', 'e']);
  // Whoever still holds one has the same as everybody else.
  expect(live.get('a')).toBe(looked[0]);
  expect(live.get('busy')).toBe(busy);
  housekeeping.dispose();
  history.close();
});
