import { applyPlan } from './apply.ts';
import { addRegistration, dropRegistration, readRegistrations } from './record.ts';
import type { Plan, Registrar, Surroundings } from './registration.ts';

/**
 * Does what was planned, and keeps the record of what is registered.
 *
 * @throws BridgeError what `applyPlan` throws; then nothing has changed
 */
export async function carryOut(plan: Plan, around: Surroundings): Promise<void> {
  // A record that can't be read is told before anything is done.
  await readRegistrations(around.home);
  await applyPlan(plan, around);
  await record(plan, around);
}

/**
 * Takes back what was just carried out: a file gets its former text, and a registration made by the client's
 * command is removed by it.
 *
 * @throws BridgeError `CLIENT_CONFIG_UNUSABLE` where the file has changed since
 */
export async function undo(plan: Plan, registrar: Registrar, around: Surroundings): Promise<void> {
  const edits = plan.steps.flatMap((step) => (step.kind === 'write' ? [step] : []));
  if (plan.steps.some(({ kind }) => kind === 'run')) {
    return carryOut(await registrar.planRemoval(plan.place), around);
  }
  const steps = edits.toReversed().map((step) => ({ ...step, before: step.after, after: step.before }));
  await applyPlan({ ...plan, steps }, around);
  // An entry of ours that was only brought up to date is there again.
  if (plan.action === 'add' || plan.action === 'replace') await record({ ...plan, goal: 'absent' }, around);
}

/** Recorded also where it was there before: it may have been made by hand. */
async function record({ client, place, goal }: Plan, { home }: Surroundings): Promise<void> {
  const registration = { client, scope: place.scope, folder: place.folder };
  if (goal === 'absent') await dropRegistration(home, registration);
  else await addRegistration(home, registration);
}
