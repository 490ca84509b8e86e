// The demo: a built package, a profile of its own, the real Codex, and VS Code on the sample project.
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { codexBinary, makeCodexHome } from '../../test/support/codexHome.ts';
import { ScriptedModel } from '../../test/support/scriptedModel.ts';
import { projectNode, root } from './paths.mjs';
import { run } from './run.mjs';
import { openBrowserVsCode, openDesktopVsCode } from './vscodeWindow.mjs';

const cli = join(root, 'dist/runtime/cli.mjs');

/**
 * @param {{scripted: boolean, browser: boolean, check: boolean}} options
 * @returns {Promise<number>} exit status
 */
export async function demo(options) {
  // A check beside a running demo, or two checks, do not meet.
  const home = join(root, '.cache', options.check ? `demo-check-${process.pid}` : 'demo');
  try {
    return await show(options, home);
  } catch (error) {
    console.error(`The demo can't go on: ${error.message}`);
    return 1;
  } finally {
    if (options.check) await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

async function show(options, home) {
  const vsix = join(home, 'codex-bridge.vsix');
  const built = await run(projectNode, ['scripts/package.mjs', '--out', vsix]);
  if (!built.ok) throw new Error(`the package could not be built (${built.reason})`);
  const folder = sampleFolder(home);
  const profile = writeProfile(home);
  const codex = await chooseCodex(options.scripted, home);
  const env = { ...process.env, ...codex.env, CODEX_BRIDGE_HOME: join(home, 'state') };
  const ending = endSignal();
  let window;
  try {
    const open = options.browser ? openBrowserVsCode : (openDesktopVsCode() ?? openBrowserVsCode);
    window = await open({ folder, vsix, profile, env });
    console.log(`\nCodex:   ${codex.says}\nProject: ${folder}\nVS Code: ${window.says}`);
    if (options.check) {
      await check(env, folder);
      return 0;
    }
    console.log('\nOpen "Codex Bridge" in the activity bar and ask something. Ctrl+C ends all of it.');
    await Promise.race([window.closed, ending.promise]);
    return 0;
  } finally {
    // First the bridge, so that a turn still running is written down as interrupted.
    spawnSync(projectNode, [cli, 'stop', '--now'], { env, stdio: 'ignore', timeout: 10_000 });
    await window?.close();
    await codex.dispose();
    ending.dispose();
  }
}

/** The person's own login where there is one, else a model that follows a script. */
async function chooseCodex(scripted, home) {
  const binary = codexBinary();
  const env = { CODEX_BRIDGE_CODEX: binary };
  if (!scripted) {
    const { status, stdout, stderr } = spawnSync(binary, ['login', 'status'], {
      encoding: 'utf8',
      timeout: 10_000,
    });
    if (status === 0) {
      const how = `${stdout}${stderr}`.trim().split('\n').at(-1) ?? '';
      return { env, says: `your own login (${how})`, dispose: async () => {} };
    }
  }
  const model = await ScriptedModel.start();
  const codexHome = await makeCodexHome({ modelUrl: model.url, dir: join(home, 'codex') });
  return {
    env: { ...env, CODEX_HOME: codexHome.home },
    says:
      'a SCRIPTED MODEL, no real one: it repeats what you write. Try "!run ls", "!patch notes.txt",\n' +
      '         "!slow 200 one two three", "!recall". Log in with `codex login` for real answers.',
    dispose: () => model.close(),
  };
}

/** A copy of the sample project with a repository of its own; what is there from the last time stays. */
function sampleFolder(home) {
  const folder = join(home, 'shopping-list');
  if (!existsSync(folder)) {
    cpSync(join(root, 'scripts/demo-folder'), folder, { recursive: true });
    const git = (...args) => spawnSync('git', args, { cwd: folder, stdio: 'ignore' });
    git('init', '--quiet');
    git('add', '--all');
    git(
      '-c',
      'user.name=Demo',
      '-c',
      'user.email=demo@localhost',
      'commit',
      '--quiet',
      '-m',
      'A shopping list',
    );
  }
  return realpathSync(folder);
}

/** VS Code's own folders, so that the person's profile and extensions are not touched. */
function writeProfile(home) {
  const profile = { data: join(home, 'profile'), extensions: join(home, 'extensions') };
  const user = join(profile.data, 'User');
  mkdirSync(user, { recursive: true });
  mkdirSync(profile.extensions, { recursive: true });
  const settings = join(user, 'settings.json');
  if (!existsSync(settings)) {
    const content = {
      // The sample project is ours.
      'security.workspace.trust.enabled': false,
      'telemetry.telemetryLevel': 'off',
      'update.mode': 'none',
      'workbench.startupEditor': 'readme',
    };
    writeFileSync(settings, JSON.stringify(content, undefined, 2));
  }
  return profile;
}

/** One prompt through the command line. Not synchronous: the scripted model is in this process. */
async function check(env, folder) {
  const { stdout } = await promisify(execFile)(projectNode, [cli, 'ask', '--folder', folder, 'Hello'], {
    env,
    timeout: 60_000,
  });
  if (!stdout.includes('Hello')) throw new Error(`"codex-bridge ask" printed: ${stdout}`);
  console.log(`Codex answers: ${stdout.trim()}`);
}

/** Resolves at Ctrl+C. */
function endSignal() {
  const { promise, resolve } = Promise.withResolvers();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, resolve);
  return {
    promise,
    dispose: () => {
      for (const signal of signals) process.off(signal, resolve);
    },
  };
}
