import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface TempDir {
  /** Absolute and real. */
  readonly path: string;
  /** Removes it with all that is in it. */
  dispose(): Promise<void>;
}

/**
 * A new directory under `.cache/tmp` of the repository: under the system's temp folder Codex warns about its
 * home. The names stay short, because the path of a Unix socket has room for about 100 characters.
 */
export async function tempDir(name: string): Promise<TempDir> {
  const path = join(root, '.cache', 'tmp', `${name}-${randomBytes(3).toString('hex')}`);
  await mkdir(path, { recursive: true, mode: 0o700 });
  return {
    path,
    // A process that is just ending may still write into it: retried.
    dispose: () => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  };
}

/**
 * The pinned Codex's own binary, without the Node script before it. `TEST_CODEX` names another, to try the
 * suites on an older or newer version.
 */
export function codexBinary(): string {
  const other = process.env['TEST_CODEX'];
  if (other !== undefined && other !== '') return other;
  const require = createRequire(join(root, 'package.json'));
  const script = require.resolve('@openai/codex/bin/codex.js');
  const platform = `@openai/codex-${process.platform}-${process.arch}/package.json`;
  const vendor = join(dirname(createRequire(script).resolve(platform)), 'vendor');
  const target = readdirSync(vendor)[0];
  if (target === undefined) throw new Error(`no Codex binary in ${vendor}; run npm install`);
  return join(vendor, target, 'bin', process.platform === 'win32' ? 'codex.exe' : 'codex');
}

export interface CodexHome {
  /** The directory that `CODEX_HOME` names. */
  readonly home: string;
  /** A whole environment for a process that starts Codex: nothing of the person's own Codex is in it. */
  readonly env: Record<string, string>;
  dispose(): Promise<void>;
}

/** What a test's processes take over from ours; the rest could change what Codex does. */
const KEPT = ['PATH', 'SYSTEMROOT', 'TEMP', 'TMP', 'TMPDIR', 'LANG', 'SHELL'];

/** A `CODEX_HOME` whose model is a scripted endpoint: no login, no network, no retries. */
export async function makeCodexHome(options: {
  /** {@link ScriptedModel.url} */
  modelUrl: string;
  /** Where to make it; a new temporary directory where absent. */
  dir?: string;
  /** More lines for config.toml, above its tables. */
  config?: string;
  /** The model wants a login of OpenAI's. Default false. */
  needsLogin?: boolean;
  /** Features of Codex's to turn on. */
  features?: readonly string[];
}): Promise<CodexHome> {
  const temp = options.dir === undefined ? await tempDir('ch') : undefined;
  const home = temp?.path ?? options.dir ?? '';
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(
    join(home, 'config.toml'),
    configToml(options.modelUrl, options.config ?? '', options.features ?? [], options.needsLogin === true),
  );
  // HOME too, so that no profile of the person's runs in Codex's login shells.
  const env: Record<string, string> = { CODEX_HOME: home, HOME: home, USERPROFILE: home };
  for (const name of KEPT) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return {
    home,
    env,
    dispose: () => temp?.dispose() ?? rm(home, { recursive: true, force: true, maxRetries: 10 }),
  };
}

/** The model is one whose metadata Codex brings along and whose tools are plain functions. */
function configToml(
  modelUrl: string,
  more: string,
  features: readonly string[],
  needsLogin: boolean,
): string {
  return `model = "gpt-5.5"
model_provider = "scripted"
check_for_update_on_startup = false
cli_auth_credentials_store = "file"
${more}
[model_providers.scripted]
name = "Scripted model"
base_url = "${modelUrl}"
wire_api = "responses"
supports_websockets = false
requires_openai_auth = ${needsLogin}
request_max_retries = 0
stream_max_retries = 0

[analytics]
enabled = false

[features]
plugins = false
apps = false
${features.map((feature) => `${feature} = true\n`).join('')}`;
}
