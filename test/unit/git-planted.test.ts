import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkReviewTarget } from '../../src/bridge/git/reviewTarget.ts';
import type { ReviewTarget } from '../../src/shared/review.ts';
import { type TempDir, tempDir } from '../support/codexHome.ts';

/** All that the bridge asks git for. */
const TARGETS: readonly ReviewTarget[] = [
  { kind: 'uncommitted' },
  { kind: 'branch', branch: 'base' },
  { kind: 'commit', commit: 'HEAD' },
];

describe('A14: a repository whose configuration names programs', () => {
  let temp: TempDir;
  let folder: string;
  /** Each program that runs leaves a file here. */
  let ran: string;

  beforeEach(async () => {
    temp = await tempDir('gp');
    folder = join(temp.path, 'f');
    ran = join(temp.path, 'ran');
    for (const directory of [folder, ran]) mkdirSync(directory);
    vi.stubEnv('GIT_CEILING_DIRECTORIES', temp.path);
    git(folder, 'init', '-q', '-b', 'main');
    writeFileSync(join(folder, '.gitattributes'), '*.txt filter=planted=it diff=planted\n');
    writeFileSync(join(folder, 'a.txt'), 'one\n');
    git(folder, 'add', '.');
    git(folder, 'commit', '-qm', 'First');
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await temp.dispose();
  });

  /** As the tests do it themselves: with everything that git would run. */
  function git(at: string, ...args: string[]): string {
    const who = ['-c', 'user.name=T', '-c', 'user.email=t@t', '-c', 'protocol.file.allow=always'];
    return execFileSync('git', [...who, ...args], { cwd: at, encoding: 'utf8', stdio: 'pipe' }).trim();
  }

  function program(name: string): string {
    const file = join(temp.path, name);
    writeFileSync(file, `#!/bin/sh\ntouch '${join(ran, name)}'\nexit 1\n`);
    chmodSync(file, 0o755);
    return file;
  }

  const whatRan = () => readdirSync(ran).sort();

  it('A14: none of them runs, wherever it is written, and what changed is found all the same', async () => {
    const textConv = program('textconv');
    appendFileSync(
      join(folder, '.git', 'config'),
      `[core]
  fsmonitor = ${program('fsmonitor')}
  hooksPath = ${temp.path}/hooks
  pager = ${program('pager')}
  sshCommand = ${program('ssh')}
[diff]
  external = ${program('external')}
[diff "planted"]
  command = ${program('driver')}
  textconv = ${textConv}
[log]
  showSignature = true
[gpg]
  program = ${program('gpg')}
[filter "planted=it"]
  clean = ${program('clean')}
  smudge = ${program('smudge')}
  process = ${program('process')}
  required = true
[includeIf "gitdir:${folder}/"]
  path = more
`,
    );
    writeFileSync(join(folder, '.git', 'more'), `[filter "planted=it"]\n  clean = ${program('included')}\n`);
    mkdirSync(join(temp.path, 'hooks'));
    renameSync(program('post-index-change'), join(temp.path, 'hooks', 'post-index-change'));
    sign();
    git(folder, 'branch', '-f', 'base');
    writeFileSync(join(folder, 'a.txt'), 'two\n');
    for (const target of TARGETS) await checkReviewTarget(folder, target);
    expect(whatRan()).toEqual([]);
    // Equal contents whose time is new are read, too.
    writeFileSync(join(folder, 'a.txt'), 'one\n');
    utimesSync(join(folder, 'a.txt'), 1, 1);
    await expect(checkReviewTarget(folder, { kind: 'uncommitted' })).rejects.toMatchObject({
      code: 'NOTHING_TO_DO',
    });
    expect(whatRan()).toEqual([]);
    // They are no dead letters: a plain git runs them.
    for (const args of [['status'], ['log', '-1'], ['diff', 'base']])
      try {
        git(folder, ...args);
      } catch {
        // What was planted fails.
      }
    expect(whatRan()).toEqual(expect.arrayContaining(['fsmonitor', 'gpg']));
    expect(whatRan().some((name) => /clean|included|process/.test(name))).toBe(true);
  });

  /** Gives the branch's last commit something that looks like a signature. */
  function sign(): void {
    const raw = execFileSync('git', ['cat-file', 'commit', 'HEAD'], { cwd: folder, encoding: 'utf8' });
    const [head = '', ...body] = raw.split('\n\n');
    const sig = 'gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----';
    const commit = execFileSync('git', ['hash-object', '-t', 'commit', '-w', '--stdin'], {
      cwd: folder,
      encoding: 'utf8',
      input: [`${head}\n${sig}`, ...body].join('\n\n'),
    }).trim();
    execFileSync('git', ['update-ref', 'HEAD', commit], { cwd: folder });
  }

  it('A14: nor a git, or a program of its, that lies in the folder', async () => {
    git(folder, 'branch', 'base');
    appendFileSync(join(folder, 'a.txt'), 'two\n');
    mkdirSync(join(folder, 'bin'));
    renameSync(program('git'), join(folder, 'bin', 'git'));
    const link = join(temp.path, 'link');
    symlinkSync(join(folder, 'bin'), link);
    for (const planted of [join(folder, 'bin'), link]) {
      vi.stubEnv('PATH', `${planted}${delimiter}${process.env['PATH']}`);
      await checkReviewTarget(folder, { kind: 'uncommitted' });
      expect(whatRan()).toEqual([]);
      expect(() => git(folder, 'status')).toThrow();
      expect(whatRan()).toEqual(['git']);
      rmSync(join(ran, 'git'));
      vi.unstubAllEnvs();
    }
  });

  it('A14: nor what a submodule configures', async () => {
    const other = join(temp.path, 'other');
    git(temp.path, 'init', '-q', other);
    writeFileSync(join(other, 'b.txt'), 'one\n');
    writeFileSync(join(other, '.gitattributes'), '*.txt filter=inner\n');
    git(other, 'add', '.');
    git(other, 'commit', '-qm', '1');
    git(folder, 'submodule', '--quiet', 'add', other, 'sub');
    git(folder, 'commit', '-qm', 'With a submodule');
    git(folder, 'branch', 'base', 'HEAD~1');
    appendFileSync(
      join(folder, '.git', 'modules', 'sub', 'config'),
      `[core]\n  fsmonitor = ${program('fsmonitor')}\n[filter "inner"]\n  clean = ${program('clean')}\n`,
    );
    writeFileSync(join(folder, 'sub', 'b.txt'), 'two\n');
    for (const target of TARGETS) await checkReviewTarget(folder, target).catch(() => undefined);
    expect(whatRan()).toEqual([]);
    git(folder, 'status');
    expect(whatRan()).not.toEqual([]);
  });

  it('A14: nor what a partial clone would fetch with', async () => {
    const clone = join(temp.path, 'clone');
    git(temp.path, '-c', 'uploadpack.allowFilter=true', 'clone', '-q', folder, clone);
    for (const [key, value] of [
      ['core.repositoryFormatVersion', '1'],
      ['extensions.partialClone', 'origin'],
      ['remote.origin.promisor', 'true'],
      ['remote.origin.url', 'ssh://nobody@localhost/x'],
      ['core.sshCommand', program('ssh')],
    ] as const)
      git(clone, 'config', key, value);
    const tree = git(clone, 'rev-parse', 'HEAD^{tree}');
    rmSync(join(clone, '.git', 'objects', tree.slice(0, 2), tree.slice(2)));
    expect(existsSync(join(clone, '.git', 'objects', 'pack'))).toBe(true);
    for (const target of TARGETS) await checkReviewTarget(clone, target).catch(() => undefined);
    expect(whatRan()).toEqual([]);
    expect(() => git(clone, 'status')).toThrow();
    expect(whatRan()).toEqual(['ssh']);
  });
});
