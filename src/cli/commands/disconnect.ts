import { homedir } from 'node:os';
import { describePlan } from '../../client/registrations/apply.ts';
import { carryOut } from '../../client/registrations/carryOut.ts';
import { registrars } from '../../client/registrations/clients.ts';
import { whereText } from '../../client/registrations/entry.ts';
import { asPlace, dropRegistration, readRegistrations } from '../../client/registrations/record.ts';
import type { Plan, Registrar, Surroundings } from '../../client/registrations/registration.ts';
import { removeLauncherIfUnused } from '../../client/uninstall.ts';
import { messageOf } from '../../shared/errors.ts';
import { type ConfirmFlags, isWanted } from '../askPerson.ts';
import { EXIT } from '../exit.ts';

interface Removal {
  readonly registrar: Registrar;
  readonly plan: Plan;
}

/** `connect --remove` without a client: every registration that is recorded, and what else is found for the user. */
export async function removeAll(around: Surroundings, flags: ConfirmFlags): Promise<number> {
  const { removals, failures } = await planAll(around);
  const found = removals.filter(({ plan }) => plan.action === 'remove');
  if (!flags.json) show(found);
  const wanted = !flags['dry-run'] && (found.length === 0 || (await isWanted(flags, 'Remove them?')));
  const removed: Plan[] = [];
  if (wanted) {
    for (const { plan, registrar } of removals) {
      try {
        await carryOut(plan, around);
        if (plan.steps.length > 0) removed.push(plan);
      } catch (error) {
        failures.push(failure(registrar, plan, error));
      }
    }
    await removeLauncherIfUnused(around.home);
  }
  if (flags.json) {
    const each = ({ client, place, steps }: Plan) => ({ client, ...place, steps });
    const line = { found: found.map(({ plan }) => each(plan)), removed: removed.map(each), failures };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  } else {
    for (const text of failures) process.stderr.write(`codex-bridge: ${text}\n`);
    process.stdout.write(
      wanted && found.length > 0
        ? `${removed.length} of ${found.length} removed.\n`
        : 'Nothing was changed.\n',
    );
  }
  const declined = found.length > 0 && !wanted && !flags['dry-run'];
  return failures.length > 0 || declined ? EXIT.failed : EXIT.done;
}

/** A client that is gone, or a file that can't be read, does not keep the others. */
async function planAll(around: Surroundings): Promise<{ removals: Removal[]; failures: string[] }> {
  const clients = registrars(around);
  const recorded = await readRegistrations(around.home);
  const failures: string[] = [];
  const removals: Removal[] = [];
  for (const each of recorded) {
    if (each.client === 'json') {
      await dropRegistration(around.home, each);
      continue;
    }
    const registrar = clients[each.client];
    try {
      removals.push({ registrar, plan: await registrar.planRemoval(asPlace(each)) });
    } catch (error) {
      failures.push(`${registrar.label}, ${whereText(asPlace(each))}: ${messageOf(error)}`);
    }
  }
  for (const registrar of Object.values(clients)) {
    const has = recorded.some(({ client, scope }) => client === registrar.name && scope === 'user');
    if (!has) removals.push(...(await unrecorded(registrar)));
  }
  return { removals, failures };
}

/** Made by hand, or by another state directory. What is not ours, and clients that are not there, are passed over. */
async function unrecorded(registrar: Registrar): Promise<Removal[]> {
  try {
    const plan = await registrar.planRemoval({ scope: 'user', folder: homedir() });
    return plan.action === 'remove' ? [{ registrar, plan }] : [];
  } catch {
    // No such client, or its file is not for us: nothing of ours is known to be there.
    return [];
  }
}

function show(removals: readonly Removal[]): void {
  if (removals.length === 0) process.stdout.write('No client has a registration of Codex Bridge.\n');
  for (const { registrar, plan } of removals) {
    process.stdout.write(`${registrar.label}, ${whereText(plan.place)}:\n\n${describePlan(plan)}\n`);
  }
}

function failure({ label }: Registrar, { place }: Plan, error: unknown): string {
  return `${label}, ${whereText(place)}: ${messageOf(error)}`;
}
