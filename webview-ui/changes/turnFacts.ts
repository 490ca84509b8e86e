import { hasEnded, type TurnSnapshot } from '../../src/shared/session.ts';
import type { TurnSlot } from '../chat/store.ts';

/** What the changes tab tells of a turn. */
export interface TurnFacts extends Pick<TurnSnapshot, 'id' | 'prompt' | 'diff'> {
  readonly changes: TurnSnapshot['changes'] | undefined;
  readonly running: boolean;
  /** Among all turns, from 1. */
  readonly place: number;
}

/**
 * Facts of all turns. What is as before stays the same object: a turn that streams its answer must not draw its
 * diff again with every word.
 */
export function turnFacts(slots: readonly TurnSlot[], before: readonly TurnFacts[]): readonly TurnFacts[] {
  const now = slots.map(({ turn }, at) => {
    const { id, prompt, diff, changes, status } = turn.value;
    const facts: TurnFacts = { id, prompt, diff, changes, running: !hasEnded(status), place: at + 1 };
    const old = before[at];
    return old !== undefined && same(old, facts) ? old : facts;
  });
  return now.length === before.length && now.every((facts, at) => facts === before[at]) ? before : now;
}

/** True where there is something to list: from the disk, or told by Codex. */
export function hasChanges({ changes, diff }: TurnFacts): boolean {
  if (changes === undefined) return diff !== '';
  return changes.files.length > 0 || changes.notes.length > 0;
}

function same(a: TurnFacts, b: TurnFacts): boolean {
  return (
    a.id === b.id &&
    a.prompt === b.prompt &&
    a.diff === b.diff &&
    a.changes === b.changes &&
    a.running === b.running &&
    a.place === b.place
  );
}
