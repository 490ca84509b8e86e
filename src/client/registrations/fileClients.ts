import { join } from 'node:path';
import { BridgeError } from '../../shared/errors.ts';
import { launcherStep } from './apply.ts';
import { attachEntry, describeEntry, isOurs, portable, type ServerEntry, sameEntry } from './entry.ts';
import { readConfig, realFile, valueAt, withValue } from './jsonFile.ts';
import { commandLine, findProgram, runProgram, saidBy } from './program.ts';
import {
  type Check,
  type ClientName,
  type Place,
  type Plan,
  type PlanOptions,
  type Registrar,
  type Scope,
  SERVER_NAME,
  type Step,
  type Surroundings,
} from './registration.ts';

/** A client that reads its servers from a JSON file. */
export interface FileClient {
  readonly name: ClientName;
  readonly label: string;
  readonly scopes: readonly [Scope, ...Scope[]];
  /** The key that holds the servers. */
  readonly key: string;
  /** Home directory in a file that others share, as the client expands it. */
  readonly homeVariable: string;
  /** What `--folder` names in a project's file; the client expands it or starts the server in the project. */
  readonly projectFolder: string;
  file(place: Place, around: Surroundings): string;
  /** What the client adds to the entry. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** What to do in the client after the file has changed. */
  readonly next: string;
  /** The client's own list command; each server is a line `… NAME: COMMAND - STATUS`. */
  readonly list?: readonly [string, ...string[]];
}

/** https://code.visualstudio.com/docs/agents/reference/mcp-configuration */
export const VSCODE: FileClient = {
  name: 'vscode',
  label: 'VS Code',
  scopes: ['project', 'user'],
  key: 'servers',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variables
  homeVariable: '${userHome}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: VS Code's own variables
  projectFolder: '${workspaceFolder}',
  file: ({ scope, folder }, around) =>
    scope === 'project' ? join(folder, '.vscode', 'mcp.json') : join(vscodeUser(around), 'mcp.json'),
  more: { type: 'stdio' },
  next: 'VS Code asks once whether it may start the server ("MCP: List Servers").',
};

/** https://cursor.com/docs/context/mcp */
export const CURSOR: FileClient = {
  name: 'cursor',
  label: 'Cursor',
  scopes: ['project', 'user'],
  key: 'mcpServers',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Cursor's own variables
  homeVariable: '${userHome}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Cursor's own variables
  projectFolder: '${workspaceFolder}',
  file: ({ scope, folder }, { userHome }) =>
    join(scope === 'project' ? folder : userHome, '.cursor', 'mcp.json'),
  more: { type: 'stdio' },
  next: 'Cursor shows it under Settings, MCP; switch it on there where it asks.',
};

/** https://github.com/google-gemini/gemini-cli: docs/tools/mcp-server.md; it starts servers in the project, if that is trusted. */
export const GEMINI: FileClient = {
  name: 'gemini',
  label: 'Gemini CLI',
  scopes: ['project', 'user'],
  key: 'mcpServers',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Gemini CLI's own way to name the environment
  homeVariable: '${HOME}',
  projectFolder: '.',
  file: ({ scope, folder }, { userHome }) =>
    join(scope === 'project' ? folder : userHome, '.gemini', 'settings.json'),
  next: 'A Gemini CLI that runs already needs a restart.',
  list: ['gemini', 'mcp', 'list'],
};

/** The folder with a user's settings of the stable desktop version. */
function vscodeUser({ userHome, env, platform }: Surroundings): string {
  if (platform === 'win32')
    return join(env['APPDATA'] ?? join(userHome, 'AppData', 'Roaming'), 'Code', 'User');
  if (platform === 'darwin') return join(userHome, 'Library', 'Application Support', 'Code', 'User');
  return join(env['XDG_CONFIG_HOME'] || join(userHome, '.config'), 'Code', 'User');
}

/** Registers by an edit of the client's file. */
export class FileRegistrar implements Registrar {
  readonly name: ClientName;
  readonly label: string;
  readonly scopes: readonly [Scope, ...Scope[]];
  readonly #client: FileClient;
  readonly #around: Surroundings;

  constructor(client: FileClient, around: Surroundings) {
    this.name = client.name;
    this.label = client.label;
    this.scopes = client.scopes;
    this.#client = client;
    this.#around = around;
  }

  async plan(place: Place, { replace = false }: PlanOptions = {}): Promise<Plan> {
    const { file, before, found } = await this.#find(place);
    const entry = this.#entry(place);
    const ours = isOurs(found);
    if (found !== undefined && !ours && !replace) throw registrationExists(this.label, file, found);
    const same = ours && sameEntry(found, entry);
    const after = withValue(file, before, this.#path, { ...this.#client.more, ...entry });
    const steps: Step[] = [...(await launcherStep(this.#around))];
    if (!same) steps.push({ kind: 'write', file, before, after });
    const action = found === undefined ? 'add' : same ? 'none' : ours ? 'update' : 'replace';
    return { client: this.name, place, goal: 'present', action, steps, notes: [this.#client.next] };
  }

  async planRemoval(place: Place, { replace = false }: PlanOptions = {}): Promise<Plan> {
    const { file, before, found } = await this.#find(place);
    const none = { client: this.name, place, goal: 'absent', action: 'none', steps: [], notes: [] } as const;
    if (found === undefined) return none;
    if (!isOurs(found) && !replace) throw registrationExists(this.label, file, found);
    const after = withValue(file, before, this.#path, undefined);
    const left = isEmpty(file, after, this.#client.key) ? null : after;
    return { ...none, action: 'remove', steps: [{ kind: 'write', file, before, after: left }] };
  }

  async check(place: Place): Promise<Check> {
    const { file, found } = await this.#find(place);
    if (found === undefined) return { ok: false, detail: `${file} has no entry "${SERVER_NAME}".` };
    if (!sameEntry(found, this.#entry(place)))
      return { ok: false, detail: `${file} has another entry of that name.` };
    return (await this.#listed(place)) ?? { ok: true, detail: `${file} has the entry.` };
  }

  /** What the client itself says; undefined where it has no such command, or is not installed. */
  async #listed({ scope, folder }: Place): Promise<Check | undefined> {
    const { list } = this.#client;
    if (list === undefined) return undefined;
    const [name, ...args] = list;
    const program = await findProgram(name, this.#around, { folder, help: '' }).catch(() => undefined);
    if (program === undefined) return undefined;
    const cwd = scope === 'user' ? this.#around.userHome : folder;
    const ran = await runProgram([program, ...args], { cwd, env: this.#around.env });
    const command = commandLine(list);
    if (ran.code !== 0) return { ok: false, detail: saidBy(ran), command };
    return { ...readList(this.label, ran.stdout), command };
  }

  get #path(): readonly [string, string] {
    return [this.#client.key, SERVER_NAME];
  }

  #entry({ scope }: Place): ServerEntry {
    const { projectFolder, homeVariable } = this.#client;
    if (scope === 'user') return attachEntry(this.#around);
    return portable(attachEntry(this.#around, projectFolder), this.#around, homeVariable);
  }

  async #find(place: Place) {
    if (!this.scopes.includes(place.scope)) throw noSuchScope(this, place.scope);
    const named = this.#client.file(place, this.#around);
    const inside = place.scope === 'user' ? this.#around.userHome : place.folder;
    const file = await realFile(named, [inside]);
    const before = await readConfig(file);
    return { file, before, found: valueAt(file, before, this.#path) };
  }
}

/** Reads the answer of a list command; exported for tests. */
export function readList(label: string, output: string): Check {
  const status = new RegExp(`^[^\\w\\n]*${SERVER_NAME}: .* - (.+)$`, 'm').exec(output)?.[1]?.trim();
  if (status === undefined) return { ok: false, detail: `${label} does not list it.` };
  if (/^disabled/i.test(status))
    return { ok: true, detail: `${label} has it, and starts it once you trust the folder there.` };
  return { ok: !/^(disconnected|failed|error)/i.test(status), detail: `${label} says: ${status}.` };
}

/** Whether nothing but the empty frame of our entry is left, comments included. */
function isEmpty(file: string, text: string, key: string): boolean {
  const compact = text.replaceAll(/\s/g, '');
  if (compact !== '{}' && compact !== `{"${key}":{}}`) return false;
  return valueAt(file, text, [key, SERVER_NAME]) === undefined;
}

/** The name belongs to somebody else's entry. */
export function registrationExists(label: string, where: string, found: unknown): BridgeError {
  return new BridgeError(
    'REGISTRATION_EXISTS',
    `${label} has another server named "${SERVER_NAME}" (${where}: ${describeEntry(found)}). Rename or remove that one, or say --replace.`,
  );
}

export function noSuchScope({ label, scopes }: Registrar, scope: Scope): BridgeError {
  return new BridgeError(
    'INVALID_INPUT',
    `${label} has no scope "${scope}". Use ${scopes.map((each) => `"${each}"`).join(' or ')}.`,
  );
}
