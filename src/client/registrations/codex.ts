import { dirname, isAbsolute, join } from 'node:path';
import * as z from 'zod/mini';
import { BridgeError } from '../../shared/errors.ts';
import { launcherStep } from './apply.ts';
import { withoutTables, withTables } from './codexConfig.ts';
import { attachEntry, isOurs, sameEntry } from './entry.ts';
import { noSuchScope, registrationExists } from './fileClients.ts';
import { readConfig, realFile, unusable } from './jsonFile.ts';
import { commandLine, findProgram, runProgram, saidBy } from './program.ts';
import {
  type Check,
  type Place,
  type Plan,
  type PlanOptions,
  type Registrar,
  SERVER_NAME,
  type Step,
  type Surroundings,
} from './registration.ts';

/** Codex's own limit is shorter than the four minutes that a call of ours may wait. In seconds. */
const TOOL_TIMEOUT = 300;
const HELP =
  'Codex is not on the PATH. Install it with "npm install -g @openai/codex", or set CODEX_BRIDGE_CODEX.';

/** What is read of `codex mcp list --json`. */
const listSchema = z.array(
  z.looseObject({
    name: z.string(),
    transport: z.looseObject({ type: z.string() }),
    tool_timeout_sec: z.nullish(z.number()),
  }),
);
type Listed = z.infer<typeof listSchema>[number];

/**
 * Registers by tables in `config.toml` of `CODEX_HOME`, for all projects: Codex reads a project's own only where
 * it trusts it, and the bridge's Codex must be able to pass over this one. Codex itself says whether it is there.
 */
export class CodexRegistrar implements Registrar {
  readonly name = 'codex';
  readonly label = 'Codex';
  readonly scopes = ['user'] as const;
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  async plan(place: Place, { replace = false }: PlanOptions = {}): Promise<Plan> {
    if (place.scope !== 'user') throw noSuchScope(this, place.scope);
    const codex = await this.#program(place);
    const found = await this.#find(codex);
    const ours = isOurs(found?.transport);
    if (found !== undefined && !ours && !replace) throw this.#exists(found);
    const entry = attachEntry(this.#around);
    const same = ours && sameEntry(found?.transport, entry) && found?.tool_timeout_sec === TOOL_TIMEOUT;
    const steps: Step[] = [...(await launcherStep(this.#around))];
    if (!same) {
      const { file, before } = await this.#read();
      const rest = before ?? '';
      if (found !== undefined && withoutTables(rest) === undefined) throw this.#elsewhere(file);
      steps.push({ kind: 'write', file, before, after: withTables(rest, entry, TOOL_TIMEOUT) });
    }
    const action = found === undefined ? 'add' : same ? 'none' : ours ? 'update' : 'replace';
    return { client: this.name, place, goal: 'present', action, steps, notes: [] };
  }

  async planRemoval(place: Place, { replace = false }: PlanOptions = {}): Promise<Plan> {
    const codex = await this.#program(place);
    const found = await this.#find(codex);
    const none = { client: this.name, place, goal: 'absent', action: 'none', steps: [], notes: [] } as const;
    if (found === undefined) return none;
    if (!isOurs(found.transport) && !replace) throw this.#exists(found);
    const { file, before } = await this.#read();
    const after = withoutTables(before ?? '');
    if (after === undefined) throw this.#elsewhere(file);
    return { ...none, action: 'remove', steps: [{ kind: 'write', file, before, after }] };
  }

  async check(place: Place): Promise<Check> {
    const found = await this.#find(await this.#program(place));
    const command = commandLine(['codex', 'mcp', 'list']);
    const ok = found !== undefined && sameEntry(found.transport, attachEntry(this.#around));
    const detail = ok
      ? 'Codex lists it.'
      : found === undefined
        ? 'Codex does not list it.'
        : 'Codex lists another server of that name.';
    return { ok, detail, command };
  }

  get #config(): string {
    const { env, userHome } = this.#around;
    return join(env['CODEX_HOME'] || join(userHome, '.codex'), 'config.toml');
  }

  async #read(): Promise<{ readonly file: string; readonly before: string | null }> {
    const { userHome } = this.#around;
    const file = await realFile(this.#config, [userHome, dirname(this.#config)]);
    return { file, before: await readConfig(file) };
  }

  /** Written as an inline table or with dotted keys, or in another of Codex's files. */
  #elsewhere(file: string): BridgeError {
    return unusable(file, `Codex knows "${SERVER_NAME}", but there is no table of that name in it`);
  }

  #exists({ transport }: Listed): BridgeError {
    return registrationExists(this.label, this.#config, transport);
  }

  async #program({ folder }: Place): Promise<string> {
    const named = this.#around.env['CODEX_BRIDGE_CODEX'];
    if (named !== undefined && isAbsolute(named)) return named;
    return findProgram('codex', this.#around, { folder, help: HELP });
  }

  /** Asked in the home directory: in a trusted project Codex would list that project's servers, too. */
  async #find(codex: string): Promise<Listed | undefined> {
    const { env, userHome } = this.#around;
    const argv = [codex, 'mcp', 'list', '--json'] as const;
    const ran = await runProgram(argv, { cwd: userHome, env });
    if (ran.code !== 0)
      throw new BridgeError('REGISTRATION_FAILED', `"${commandLine(argv)}" failed: ${saidBy(ran)}`);
    return listSchema.parse(JSON.parse(ran.stdout)).find(({ name }) => name === SERVER_NAME);
  }
}
