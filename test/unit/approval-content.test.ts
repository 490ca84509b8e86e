import { expect, it } from 'vitest';
import type { ServerRequest } from '../../src/bridge/codex/generated/ServerRequest.ts';
import { ApprovalBroker } from '../../src/bridge/sessions/approvalBroker.ts';
import { answerRequest } from '../../src/bridge/sessions/approvals.ts';
import type { LiveSession } from '../../src/bridge/sessions/liveSession.ts';
import type { TurnRun } from '../../src/bridge/sessions/turnRun.ts';
import type { SessionEvent } from '../../src/shared/events.ts';
import type { Approval, FileChange } from '../../src/shared/session.ts';
import { silentLogger } from '../support/fakeBridge.ts';
import { SkewClock } from '../support/skewClock.ts';

const YOU = { kind: 'window' } as const;

/** Codex asks to apply the patch of item `i`, whose content a test may change meanwhile. */
function asking() {
  const clock = new SkewClock();
  const broker = new ApprovalBroker({ clock, aloneMs: () => 60_000, answerMs: () => 0 });
  const asked: Approval[] = [];
  const emit = (event: SessionEvent) => {
    if (event.type === 'approval.requested') asked.push(event.approval);
  };
  let changes = [change('one')];
  // What is used of a session.
  const session = { emit } as unknown as LiveSession;
  const answer = answerRequest(
    // The fields that are read.
    {
      method: 'item/fileChange/requestApproval',
      id: 7,
      params: { threadId: 'th', turnId: 'ct', itemId: 'i', reason: null, grantRoot: null },
    } as unknown as ServerRequest,
    {
      clock,
      logger: silentLogger,
      broker,
      folder: '/f',
      forSession: false,
      running: async () => ({
        session,
        // What is used of a run.
        run: { turn: 't', changesOf: () => changes } as unknown as TurnRun,
      }),
      isTerminals: () => false,
    },
  );
  return {
    asked,
    answer,
    /** Says yes to the last question. */
    accept: () => broker.answer(session, asked.at(-1)?.id ?? '', 'accept', YOU),
    become: (content: string) => {
      changes = [change(content)];
    },
  };
}

function change(content: string): FileChange {
  return { path: 'a.ts', kind: 'update', added: 1, removed: 0, diff: `+${content}` };
}

it('A10: a yes to what has changed since it was shown is none: the person is asked again', async () => {
  const { asked, answer, accept, become } = asking();
  await expect.poll(() => asked.length).toBe(1);
  become('two');
  accept();
  await expect.poll(() => asked.length).toBe(2);
  expect(asked.map(({ request }) => request)).toMatchObject([
    { changes: [{ diff: '+one' }] },
    { changes: [{ diff: '+two' }] },
  ]);
  expect(asked[1]?.id).not.toBe(asked[0]?.id);
  accept();
  expect(await answer).toEqual({ decision: 'accept' });
  expect(asked).toHaveLength(2);
});
