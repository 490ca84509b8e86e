import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import type { Session } from '../../src/bridge/sessions/session.ts';
import { answerOf } from '../../src/shared/session.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';

let bridge: RealBridge;
afterEach(() => bridge.close());

async function say(session: Session, prompt: string): Promise<string> {
  const { turn } = await session.prompt({ prompt, source: { kind: 'cli' } });
  return answerOf(await session.ended(turn));
}

const historyFile = (index: number) =>
  join(bridge.stateDir, 'folders', bridge.folder(index).info.key, 'history.db');

it('B8: sessions of a history that can not be read at all come back from Codex, and go on', async () => {
  bridge = await startRealBridge({ folders: 2 });
  const [kept, archived, other] = [0, 0, 1].map((index) => bridge.folder(index).createSession({}));
  if (kept === undefined || archived === undefined || other === undefined) throw new Error('three were made');
  await say(kept, 'Remember the blue door.');
  await say(kept, 'And the red one.');
  await say(archived, 'An old matter.');
  await say(other, 'Of another folder.');
  await archived.archive(true);
  const files = [historyFile(0), historyFile(1)];
  await bridge.restart(() => {
    for (const file of files) writeFileSync(file, readFileSync(file).fill(0xa5));
  });

  const folder = bridge.folder(0);
  expect(folder.status().history?.code).toBe('HISTORY_CORRUPT');
  await vi.waitFor(() => expect(folder.list({ archived: true }).sessions).toHaveLength(1), {
    timeout: 30_000,
  });
  const [found, ...more] = folder.list({}).sessions;
  expect(more).toEqual([]);
  const session = folder.session(found?.id ?? '');
  expect(session.snapshot.thread).toBe(kept.snapshot.thread);
  expect(session.snapshot.turns.map(({ prompt, status }) => [prompt, status])).toEqual([
    ['Remember the blue door.', 'completed'],
    ['And the red one.', 'completed'],
  ]);
  expect(session.snapshot.turns.map(answerOf)).toEqual(kept.snapshot.turns.map(answerOf));
  await say(session, 'Go on.');
  expect(bridge.model.requests.at(-1)?.prompts).toEqual([
    'Remember the blue door.',
    'And the red one.',
    'Go on.',
  ]);
  for (const file of files) expect(existsSync(`${file}.corrupt-1`)).toBe(true);
});
