import { BridgeError } from '../../shared/errors.ts';
import type { TurnTask } from '../../shared/review.ts';
import type { SessionSnapshot } from '../../shared/session.ts';
import { checkReviewTarget } from '../git/reviewTarget.ts';
import type { TaskStart } from './taskStart.ts';

/**
 * Looks whether there is something to do, before the turn is queued.
 *
 * @throws BridgeError `GIT_UNAVAILABLE`, `REVISION_NOT_FOUND`, `NOTHING_TO_DO`
 */
export async function prepareTask(
  folder: string,
  session: SessionSnapshot,
  task: TurnTask,
): Promise<{ readonly task: TurnTask; readonly start: TaskStart }> {
  if (task.kind === 'review') {
    const { target, codex } = await checkReviewTarget(folder, task.target);
    return { task: { kind: 'review', target }, start: { kind: 'review', target: codex } };
  }
  if (session.turns.length === 0) {
    throw new BridgeError(
      'NOTHING_TO_DO',
      'Nothing was said in this session yet, so there is nothing to compact. Send a prompt first.',
    );
  }
  return { task, start: task };
}
