import { realpathSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { installRuntime } from '../../client/launcher.ts';
import { describePlan, surroundings } from '../../client/registrations/apply.ts';
import { carryOut } from '../../client/registrations/carryOut.ts';
import { genericConfiguration, registrars } from '../../client/registrations/clients.ts';
import { whereText } from '../../client/registrations/entry.ts';
import { commandLine } from '../../client/registrations/program.ts';
import {
  CLIENT_NAMES,
  type Place,
  type Plan,
  type Registrar,
  SCOPES,
  type Scope,
  type Surroundings,
} from '../../client/registrations/registration.ts';
import { stateDir } from '../../client/stateDir.ts';
import { refuseUninstalled } from '../../client/uninstalled.ts';
import { BridgeError } from '../../shared/errors.ts';
import { askChoice, type ConfirmFlags, isInteractive, isWanted, Unanswered } from '../askPerson.ts';
import { EXIT, UsageError } from '../exit.ts';
import { oneOf } from '../options.ts';
import { RUNTIME, VERSION } from '../version.ts';
import { removeAll } from './disconnect.ts';

interface ConnectFlags extends ConfirmFlags {
  readonly replace: boolean;
}

/** Registers the bridge with a client, or removes the registration: shown, asked, done, checked. */
export async function connect(args: string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    process.stdout.write('\nNothing was changed.\n');
    return error.interrupted ? EXIT.interrupted : EXIT.failed;
  }
}

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      scope: { type: 'string' },
      folder: { type: 'string' },
      yes: { type: 'boolean', short: 'y', default: false },
      remove: { type: 'boolean', default: false },
      replace: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const [first, ...more] = positionals;
  if (more.length > 0) throw new UsageError('One client at a time.');
  const home = stateDir();
  const around = surroundings(home, async () => {
    await installRuntime({ home, runtime: RUNTIME, version: VERSION, node: process.execPath });
  });
  if (first === undefined) {
    if (!values.remove) throw new UsageError(`Which client? One of ${CLIENT_NAMES.join(', ')}.`);
    return removeAll(around, values);
  }
  const client = oneOf('connect', first, CLIENT_NAMES);
  if (!values.remove) refuseUninstalled(home);
  const folder = folderOf(values.folder ?? process.cwd());
  if (client === 'json') {
    if (values.remove) throw new UsageError('"json" only prints: there is nothing to remove.');
    process.stdout.write(genericConfiguration(around, values.folder === undefined ? undefined : folder));
    return EXIT.done;
  }
  const registrar = registrars(around)[client];
  const wanted = values.scope === undefined ? undefined : oneOf('--scope', values.scope, SCOPES);
  const scope = wanted ?? (await scopeFor(registrar, values));
  return carry({ registrar, around, place: { scope, folder }, flags: values, remove: values.remove });
}

/** Where nobody can be asked, the client's usual one. */
async function scopeFor({ scopes, label }: Registrar, flags: ConnectFlags): Promise<Scope> {
  if (scopes.length === 1 || flags.yes || flags.json || flags['dry-run'] || !isInteractive())
    return scopes[0];
  const meaning: Record<Scope, string> = {
    local: 'this project, for you alone',
    project: 'this project, in a file that others may share',
    user: 'all your projects',
  };
  return askChoice(
    `Which scope in ${label}?`,
    scopes.map((scope) => ({ value: scope, text: `${scope.padEnd(8)} ${meaning[scope]}` })),
  );
}

interface Work {
  readonly registrar: Registrar;
  readonly around: Surroundings;
  readonly place: Place;
  readonly flags: ConnectFlags;
  readonly remove: boolean;
}

async function carry({ registrar, around, place, flags, remove }: Work): Promise<number> {
  const options = { replace: flags.replace };
  const plan = remove ? await registrar.planRemoval(place, options) : await registrar.plan(place, options);
  const out = new Output(flags.json, plan, registrar);
  out.showPlan();
  if (flags['dry-run']) return out.end(EXIT.done, 'planned');
  if (plan.steps.length > 0 && !(await isWanted(flags, 'Do this?'))) return out.end(EXIT.failed, 'declined');
  await carryOut(plan, around);
  if (remove) return out.end(EXIT.done, plan.action === 'none' ? 'not_registered' : 'removed');
  const check = await registrar.check(place);
  out.check = check;
  return out.end(check.ok ? EXIT.done : EXIT.failed, check.ok ? 'connected' : 'check_failed');
}

type Outcome = 'planned' | 'declined' | 'not_registered' | 'removed' | 'connected' | 'check_failed';

/** For people: what is shown and asked on stderr would be lost in a pipe, so all of it is on stdout. */
class Output {
  readonly #json: boolean;
  readonly #plan: Plan;
  readonly #registrar: Registrar;
  check: Awaited<ReturnType<Registrar['check']>> | undefined;

  constructor(json: boolean, plan: Plan, registrar: Registrar) {
    this.#json = json;
    this.#plan = plan;
    this.#registrar = registrar;
  }

  showPlan(): void {
    const { steps, place } = this.#plan;
    if (this.#json || steps.length === 0) return;
    process.stdout.write(`${this.#registrar.label}, ${whereText(place)}:\n\n${describePlan(this.#plan)}\n`);
  }

  end(code: number, outcome: Outcome): number {
    if (this.#json) {
      const { client, place, action, steps, notes } = this.#plan;
      const line = { client, ...place, action, outcome, steps, notes, check: this.check, undo: this.#undo };
      process.stdout.write(`${JSON.stringify(line)}\n`);
    } else process.stdout.write(this.#words(outcome));
    return code;
  }

  #words(outcome: Outcome): string {
    const { label } = this.#registrar;
    const where = whereText(this.#plan.place);
    const words: Record<Outcome, string> = {
      planned: this.#plan.steps.length === 0 ? 'Nothing would change.\n' : 'Nothing was changed.\n',
      declined: 'Nothing was changed.\n',
      not_registered: `${label} has no registration of Codex Bridge ${where}.\n`,
      removed: `Removed from ${label} ${where}.\n`,
      connected: `${label} is connected ${where}. ${this.#checked}`,
      check_failed: `${label} is registered ${where}, but the check failed. ${this.#checked}`,
    };
    return words[outcome];
  }

  get #checked(): string {
    const { detail = '', command } = this.check ?? {};
    const again = command === undefined ? '' : ` (${command})`;
    const notes = this.#plan.notes.map((note) => `${note}\n`).join('');
    return `${detail}${again}\n${notes}Undo: ${this.#undo}\n`;
  }

  get #undo(): string {
    const { client, place } = this.#plan;
    const folder = place.scope === 'user' ? [] : ['--folder', place.folder];
    return commandLine(['codex-bridge', 'connect', client, '--scope', place.scope, ...folder, '--remove']);
  }
}

/** @throws BridgeError `FOLDER_NOT_FOUND` */
function folderOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw new BridgeError('FOLDER_NOT_FOUND', `The folder ${path} is not there. Check the path.`, {
      cause: error,
    });
  }
}
