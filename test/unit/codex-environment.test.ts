import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { codexEnvironment } from '../../src/bridge/codex/environment.ts';
import { git } from '../../src/bridge/git/git.ts';
import { type TempDir, tempDir } from '../support/codexHome.ts';

/** What a shell of a developer's may hold and a repository's commands must not see. */
const SECRETS = {
  AWS_SECRET_ACCESS_KEY: 's',
  AWS_SESSION_TOKEN: 's',
  GITHUB_TOKEN: 's',
  GH_TOKEN: 's',
  GITLAB_TOKEN: 's',
  NPM_TOKEN: 's',
  'npm_config_//registry.example/:_authToken': 's',
  ANTHROPIC_API_KEY: 's',
  HF_TOKEN: 's',
  DATABASE_URL: 's',
  HOMEBREW_GITHUB_API_TOKEN: 's',
  MISE_GITHUB_TOKEN: 's',
  POETRY_PYPI_TOKEN_MAIN: 's',
  CARGO_REGISTRY_TOKEN: 's',
  DIRENV_DIFF: 's',
  GIT_CONFIG_PARAMETERS: "'http.extraheader=s'",
  KUBECONFIG: 's',
};

const USUAL = {
  PATH: '/bin',
  HOME: '/home/me',
  LANG: 'C.UTF-8',
  LC_ALL: 'C',
  TERM: 'xterm',
  DISPLAY: ':0',
  XDG_RUNTIME_DIR: '/run/user/1',
  SSH_AUTH_SOCK: '/run/agent',
  https_proxy: 'http://proxy',
  HTTPS_PROXY: 'http://proxy',
  NVM_DIR: '/nvm',
  PYENV_ROOT: '/pyenv',
  VIRTUAL_ENV: '/venv',
  JAVA_HOME: '/java',
  GOPATH: '/go',
  CARGO_HOME: '/cargo',
  WSL_DISTRO_NAME: 'Debian',
  CODEX_HOME: '/home/me/.codex',
  OPENAI_API_KEY: 'its own',
};

describe('A18: what Codex inherits', () => {
  it('is what shells, toolchains and Codex itself need, and no secret of the shell', () => {
    expect(codexEnvironment({ ...USUAL, ...SECRETS, EMPTY: undefined })).toEqual(USUAL);
  });

  it('is nothing of the bridge, VS Code and Node, even where it is named', () => {
    const theirs = {
      CODEX_BRIDGE_HOME: '/x',
      CODEX_BRIDGE_MARK: 'an outer one',
      VSCODE_IPC_HOOK_CLI: '/x',
      Electron_Run_As_Node: '1',
      NODE_OPTIONS: '--x',
    };
    const named = ['*', ...Object.keys(theirs), 'VSCODE_*'];
    expect(codexEnvironment({ ...USUAL, ...theirs }, { named })).toEqual(USUAL);
    expect(codexEnvironment({ ...USUAL, ...theirs }, { mark: 'a:b:c' })).toEqual({
      ...USUAL,
      CODEX_BRIDGE_MARK: 'a:b:c',
    });
  });

  it('is also what the person names, exactly', () => {
    const env = { MY_KEY: '1', MY_KEY_2: '2', ACME_A: '3', ACME_B: '4', NPM_TOKEN: '5' };
    expect(codexEnvironment(env, { named: ['MY_KEY', 'ACME_*'] })).toEqual({
      MY_KEY: '1',
      ACME_A: '3',
      ACME_B: '4',
    });
    expect(codexEnvironment(env, { named: ['my_key'] })).toEqual({});
    expect(codexEnvironment(env, { named: ['*'] })).toEqual(env);
  });

  it('has no case on Windows, and what programs need there', () => {
    const env = { Path: 'C:\\bin', SystemRoot: 'C:\\Windows', 'ProgramFiles(x86)': 'C:\\P', My_Key: '1' };
    expect(codexEnvironment(env, { platform: 'win32', named: ['MY_KEY'] })).toEqual(env);
    expect(codexEnvironment(env, { platform: 'linux', named: ['MY_KEY'] })).toEqual({});
    expect(codexEnvironment({ vscode_pid: '1' }, { platform: 'win32', named: ['*'] })).toEqual({});
  });
});

describe('what git inherits', () => {
  let temp: TempDir;
  afterEach(async () => {
    vi.unstubAllEnvs();
    await temp.dispose();
  });

  it('A18: is no more, and no repository, configuration or program that a variable names', async () => {
    temp = await tempDir('ge');
    const stand = join(temp.path, 'git');
    writeFileSync(stand, '#!/bin/sh\nenv > "$0.env"\n');
    chmodSync(stand, 0o755);
    vi.stubEnv('PATH', `${temp.path}:${process.env['PATH'] ?? ''}`);
    for (const [name, value] of Object.entries(SECRETS)) vi.stubEnv(name, value);
    for (const name of [
      'GIT_DIR',
      'GIT_WORK_TREE',
      'GIT_INDEX_FILE',
      'GIT_EXTERNAL_DIFF',
      'GIT_CONFIG_COUNT',
    ])
      vi.stubEnv(name, '1');
    const folder = join(temp.path, 'folder');
    mkdirSync(folder);
    await git(folder, ['status']);
    const seen = readFileSync(`${stand}.env`, 'utf8')
      .split('\n')
      .map((line) => line.split('=', 1)[0] ?? '');
    expect(seen).toContain('PATH');
    expect(seen).toContain('GIT_OPTIONAL_LOCKS');
    const unwanted = seen.filter(
      (name) => name in SECRETS || /^GIT_(DIR|WORK|INDEX|EXTERNAL|CONFIG)/.test(name),
    );
    expect(unwanted).toEqual([]);
  });
});
