import { setTimeout as delay } from 'node:timers/promises';
import { leftOvers, storedSessions, type WhereToLook } from './leftOvers.ts';
import type { Oracle } from './oracle.ts';
import type { ModelSaw } from './oracleChecks.ts';
import { processesOf } from './processFamily.ts';

/** How long Codex and its commands may take to end after their bridge, in ms. */
const GRACE_MS = 10_000;

/**
 * The last line of every test of faults, after the bridge was ended: nothing was lost, nothing came twice,
 * nothing was left behind.
 *
 * @throws Error that names each turn, file and process
 */
export async function nothingLost(
  oracle: Oracle,
  where: WhereToLook & { readonly model?: ModelSaw },
): Promise<void> {
  const { violations } = await verdictOf(oracle, where);
  if (violations.length > 0) throw new Error(`${violations.length} violations:\n${violations.join('\n')}`);
}

/** {@link nothingLost}, as a list. */
export async function verdictOf(
  oracle: Oracle,
  { model, ...where }: WhereToLook & { readonly model?: ModelSaw },
): Promise<{ violations: string[]; checks: number }> {
  const deadline = performance.now() + GRACE_MS;
  while (processesOf(where).length > 0 && performance.now() < deadline) await delay(50);
  const { violations, checks } = oracle.verdict(storedSessions(where.stateDir), model);
  const left = leftOvers(where);
  return { violations: [...violations, ...left], checks: checks + left.length + 1 };
}
