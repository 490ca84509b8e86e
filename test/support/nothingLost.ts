import { setTimeout as delay } from 'node:timers/promises';
import { leftOvers, storedSessions, type WhereToLook } from './leftOvers.ts';
import type { Oracle } from './oracle.ts';
import { type Findings, ModelTally } from './oracleChecks.ts';
import { processesOf } from './processFamily.ts';
import type { ScriptedModel } from './scriptedModel.ts';

/** How long Codex and its commands may take to end after their bridge, in ms. */
const GRACE_MS = 10_000;

interface Where extends WhereToLook {
  /** The scripted model, or what it was asked. */
  readonly model?: Pick<ScriptedModel, 'requests'> | ModelTally;
}

/**
 * The last line of every test of faults, after the bridge was ended: nothing was lost, nothing came twice,
 * nothing was left behind.
 *
 * @throws Error that names each turn, file and process
 */
export async function nothingLost(oracle: Oracle, where: Where): Promise<void> {
  const { findings, left } = await verdictOf(oracle, where);
  const all = [...findings.violations, ...left];
  if (all.length > 0) throw new Error(`${all.length} violations:\n${all.join('\n')}`);
}

/** The same as lists: what does not hold, and what was left behind. */
export async function verdictOf(
  oracle: Oracle,
  { model, ...where }: Where,
): Promise<{ findings: Findings; left: string[] }> {
  const deadline = performance.now() + GRACE_MS;
  while (processesOf(where).length > 0 && performance.now() < deadline) await delay(50);
  const tally = model === undefined || model instanceof ModelTally ? model : ModelTally.of(model.requests);
  return { findings: oracle.verdict(storedSessions(where.stateDir), tally), left: leftOvers(where) };
}
