import { BridgeError } from '../../shared/errors.ts';
import type { SessionEvent } from '../../shared/events.ts';
import type { SessionSettings } from '../../shared/session.ts';
import { type BridgeSettings, confinedRights, effectiveRights } from '../../shared/settings.ts';
import type { CodexClient } from '../codex/client.ts';
import type { TurnStartParams } from '../codex/generated/v2/TurnStartParams.ts';
import { isTemporary } from '../folders/containment.ts';
import { PLAN_SCHEMA, planShaper } from './planAnswer.ts';
import { turnRights } from './threads.ts';

/**
 * A turn that is more than its prompt. `plan`: says what it would do, in steps, and changes nothing. `preview`:
 * works on a throw-away copy of the folder.
 */
export type TurnMode = 'plan' | 'preview';

/** What the model would wonder about. */
const ON_A_COPY =
  'For this turn the working directory is a throw-away copy of the folder, without .git and without ignored files such as installed packages. Make the change in it as if it were the folder itself, and name files relative to it.';

/** What `turn/start` is told of the turn's rights, where it runs, and what its answer must be. */
export function modeParams(
  settings: BridgeSettings,
  asked: SessionSettings,
  mode: TurnMode | undefined,
  place: { readonly folder: string; readonly cwd: string },
): Pick<TurnStartParams, 'cwd' | 'sandboxPolicy' | 'approvalPolicy' | 'approvalsReviewer' | 'outputSchema'> {
  const rights = turnRights(rightsOf(settings, asked, mode));
  const { sandboxPolicy } = rights;
  // The sandbox lets temporary directories be written: not where that would be the folder itself.
  const closed = mode === 'preview' && sandboxPolicy?.type === 'workspaceWrite' && isTemporary(place.folder);
  return {
    cwd: place.cwd,
    ...rights,
    ...(closed
      ? { sandboxPolicy: { ...sandboxPolicy, excludeSlashTmp: true, excludeTmpdirEnvVar: true } }
      : {}),
    ...(mode === 'plan' ? { outputSchema: PLAN_SCHEMA } : {}),
    ...(mode === 'preview'
      ? { additionalContext: { preview: { kind: 'application', value: ON_A_COPY } } }
      : {}),
  };
}

/** What becomes of the events of such a turn. Made once for each. */
export function shaperOf(mode: TurnMode | undefined): (event: SessionEvent) => readonly SessionEvent[] {
  return mode === 'plan' ? planShaper() : (event) => [event];
}

/**
 * Whether a preview may be made true in the folder by whoever asks: nobody is asked again about what is in it.
 *
 * @throws BridgeError `RIGHTS_EXCEED_CEILING`
 */
export function checkMayApply(settings: BridgeSettings): void {
  effectiveRights(settings, { sandbox: 'workspace-write' });
  if (settings.ceiling.approvalPolicy !== 'untrusted') return;
  throw new BridgeError(
    'RIGHTS_EXCEED_CEILING',
    'This person wants to be asked before anything is changed. Call patch with the prompt and mode "apply": Codex asks then.',
  );
}

/**
 * After a preview the thread is back in the folder: what somebody types in its terminal next must not run in a
 * copy that is gone (`thread/settings/update`).
 */
export async function leaveCopy(client: CodexClient, threadId: string, folder: string): Promise<void> {
  await client.call('thread/settings/update', { threadId, cwd: folder });
}

/**
 * The rights that the turn runs with.
 *
 * @throws BridgeError `RIGHTS_EXCEED_CEILING`
 */
export function rightsOf(settings: BridgeSettings, asked: SessionSettings, mode: TurnMode | undefined) {
  switch (mode) {
    case 'plan':
      return confinedRights(settings, asked, 'read-only');
    case 'preview':
      return confinedRights(settings, asked, 'workspace-write');
    case undefined:
      return effectiveRights(settings, asked);
  }
}
