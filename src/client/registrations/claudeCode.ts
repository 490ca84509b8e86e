import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { launcherStep } from './apply.ts';
import { attachEntry, isOurs, type ServerEntry, sameEntry } from './entry.ts';
import { type FileClient, FileRegistrar, noSuchScope, registrationExists } from './fileClients.ts';
import { readConfig, valueAt } from './jsonFile.ts';
import { commandLine, findProgram, runProgram, saidBy } from './program.ts';
import {
  type Check,
  type Place,
  type Plan,
  type PlanOptions,
  type Registrar,
  type RunBack,
  SERVER_NAME,
  type Step,
  type Surroundings,
} from './registration.ts';

/** Scope "project": https://code.claude.com/docs/en/mcp, "Project scope"; it starts servers where it was started. */
const PROJECT_FILE: FileClient = {
  name: 'claude-code',
  label: 'Claude Code',
  scopes: ['project'],
  key: 'mcpServers',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Claude Code's own way to name the environment
  homeVariable: process.platform === 'win32' ? '${USERPROFILE}' : '${HOME}',
  projectFolder: '.',
  file: ({ folder }) => join(folder, '.mcp.json'),
  more: { type: 'stdio' },
  next: 'Claude Code asks once, at its next start in this folder, whether it may use a server of the project.',
};

/** Where Claude Code's installers put it when that is not on the PATH of a window. */
const INSTALLED_IN = ['.local/bin', '.claude/local'];
const HELP =
  'Claude Code ("claude") is not on the PATH. Install it, or use the scope "project", which writes .mcp.json and needs no command.';

/** Registers by `claude mcp`; what is shared with a project is its file. */
export class ClaudeCodeRegistrar implements Registrar {
  readonly name = 'claude-code';
  readonly label = 'Claude Code';
  readonly scopes = ['local', 'project', 'user'] as const;
  readonly #around: Surroundings;
  readonly #projectFile: FileRegistrar;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#projectFile = new FileRegistrar(PROJECT_FILE, around);
  }

  async plan(place: Place, options: PlanOptions = {}): Promise<Plan> {
    if (place.scope === 'project') return this.#projectFile.plan(place, options);
    if (!this.scopes.includes(place.scope)) throw noSuchScope(this, place.scope);
    const claude = await this.#program(place);
    const entry = this.#entry(place);
    const found = await this.#find(place);
    const ours = isOurs(found);
    if (found !== undefined && !ours && options.replace !== true)
      throw registrationExists(this.label, `scope ${place.scope}`, found);
    const same = ours && sameEntry(found, entry);
    const steps: Step[] = [...(await launcherStep(this.#around))];
    if (!same) {
      const cwd = this.#cwd(place);
      // "mcp add" refuses a name that is there.
      if (found !== undefined)
        steps.push({
          kind: 'run',
          argv: removeCommand(claude, place),
          cwd,
          back: restore(claude, place, found),
        });
      steps.push({ kind: 'run', argv: addCommand(claude, place, entry), cwd });
    }
    const action = found === undefined ? 'add' : same ? 'none' : ours ? 'update' : 'replace';
    const notes = ['A Claude Code that runs already needs a restart, or "/mcp" in it.'];
    return { client: this.name, place, goal: 'present', action, steps, notes };
  }

  async planRemoval(place: Place, options: PlanOptions = {}): Promise<Plan> {
    if (place.scope === 'project') return this.#projectFile.planRemoval(place, options);
    const found = await this.#find(place);
    const none = { client: this.name, place, goal: 'absent', action: 'none', steps: [], notes: [] } as const;
    if (found === undefined) return none;
    // Its command works in the project; what is filed under one that is gone is never read again.
    if (!existsSync(this.#cwd(place))) return none;
    if (!isOurs(found) && options.replace !== true)
      throw registrationExists(this.label, `scope ${place.scope}`, found);
    const argv = removeCommand(await this.#program(place), place);
    return { ...none, action: 'remove', steps: [{ kind: 'run', argv, cwd: this.#cwd(place) }] };
  }

  /** By `claude mcp get`: as `claude mcp list`, but it starts no other server than ours. */
  async check(place: Place): Promise<Check> {
    if (place.scope === 'project' && !(await this.#isInstalled(place))) return this.#projectFile.check(place);
    const argv = [await this.#program(place), 'mcp', 'get', SERVER_NAME] as const;
    const ran = await runProgram(argv, { cwd: this.#cwd(place), env: this.#around.env });
    const command = commandLine(['claude', 'mcp', 'list']);
    if (ran.code !== 0) return { ok: false, detail: saidBy(ran), command };
    return { ...readGet(ran.stdout, place), command };
  }

  #entry({ scope, folder }: Place): ServerEntry {
    return attachEntry(this.#around, scope === 'local' ? folder : undefined);
  }

  #program({ folder }: Place): Promise<string> {
    const more = INSTALLED_IN.map((path) => join(this.#around.userHome, path));
    return findProgram('claude', this.#around, { folder, more, help: HELP });
  }

  /** For all projects it is run in none: there another registration could be before it. */
  #cwd({ scope, folder }: Place): string {
    return scope === 'user' ? this.#around.userHome : folder;
  }

  #isInstalled(place: Place): Promise<boolean> {
    return this.#program(place).then(
      () => true,
      () => false,
    );
  }

  /**
   * What is registered, read from Claude Code's file: its commands start each server that they tell of, and
   * tell of one scope only. The local scope is filed under the repository's root.
   */
  async #find({ scope, folder }: Place): Promise<unknown> {
    const { env, userHome } = this.#around;
    const file = join(env['CLAUDE_CONFIG_DIR'] || userHome, '.claude.json');
    const text = await readConfig(file);
    if (scope === 'user') return valueAt(file, text, ['mcpServers', SERVER_NAME]);
    for (const root of [folder, repositoryOf(folder)]) {
      const found = valueAt(file, text, ['projects', root, 'mcpServers', SERVER_NAME]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** The nearest folder with a `.git`, else the folder itself. */
function repositoryOf(folder: string): string {
  for (let path = folder; ; path = dirname(path)) {
    if (existsSync(join(path, '.git'))) return path;
    if (dirname(path) === path) return folder;
  }
}

type Argv = readonly [string, ...string[]];

function addCommand(claude: string, { scope }: Place, { command, args }: ServerEntry): Argv {
  return [claude, 'mcp', 'add', SERVER_NAME, '--scope', scope, '--', command, ...args];
}

function removeCommand(claude: string, { scope }: Place): Argv {
  return [claude, 'mcp', 'remove', SERVER_NAME, '--scope', scope];
}

/** By standard input: what somebody else registered may have a secret in it, and arguments can be seen. */
function restore(claude: string, { scope }: Place, found: unknown): RunBack {
  return {
    argv: [claude, 'mcp', 'add-json', SERVER_NAME, '-', '--scope', scope],
    input: JSON.stringify(found),
  };
}

/** Claude Code's words for its scopes, at the beginning of the line "Scope:". */
const SCOPE_WORDS = { local: 'Local', project: 'Project', user: 'User' } as const;

/** Reads the answer of `claude mcp get`; exported for tests. */
export function readGet(output: string, { scope }: Place): Check {
  const line = (name: string) => new RegExp(`^\\s*${name}: *(.*)$`, 'm').exec(output)?.[1]?.trim() ?? '';
  const where = line('Scope');
  if (where !== '' && !where.startsWith(SCOPE_WORDS[scope])) {
    return { ok: false, detail: `Claude Code uses another registration of that name here: ${where}.` };
  }
  const status = line('Status').replace(/^[^\p{L}]+/u, '');
  const issue = line('Issue');
  if (/^failed/i.test(status)) {
    return { ok: false, detail: `Claude Code has it, but says: ${status}${issue && `: ${issue}`}.` };
  }
  return { ok: true, detail: `Claude Code says: ${status || 'registered'}.` };
}
