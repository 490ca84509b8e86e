import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it, test } from 'vitest';
import { systemClock } from '../../src/bridge/clock.ts';
import { openHistory } from '../../src/bridge/history/history.ts';
import { type TempDir, tempDir } from '../support/codexHome.ts';
import { leftOvers, storedSessions } from '../support/leftOvers.ts';
import { recordingLogger } from './history-support.ts';
import { sessionWith } from './support/sessions.ts';

const KEY = '0123456789abcdef';
let dir: TempDir;

beforeEach(async () => {
  dir = await tempDir('lo');
});
afterEach(() => dir.dispose());

const look = () =>
  leftOvers({
    stateDir: join(dir.path, 's'),
    codexHome: join(dir.path, 'ch'),
    folders: [join(dir.path, 'f')],
  });

async function put(path: string): Promise<void> {
  const file = join(dir.path, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, '');
}

it('what stays with a bridge is no left-over', async () => {
  const files = ['bridge.lock', 'port', 'settings.json', 'logs/bridge.log', 'bin/codex-bridge'];
  for (const file of [...files, `folders/${KEY}/history.db`, `folders/${KEY}/copies/blobs/ab/cd`]) {
    await put(`s/${file}`);
  }
  await mkdir(join(dir.path, 's', 'run'));
  await mkdir(join(dir.path, 's', 'folders', KEY, 'previews'));
  expect(look()).toEqual([]);
});

test.each([
  's/bridge.json',
  's/bridge.json.0123456789ab',
  `s/folders/${KEY}/previews/t_1`,
  `s/folders/${KEY}/history.db.corrupt`,
  's/logs/else',
  's/tmp',
])('%s is one', async (file) => {
  await put(file);
  expect(look()).toEqual([`${file.slice(2)} was left in the state directory`]);
});

it('so are a socket, a worktree and a process', async () => {
  await mkdir(join(dir.path, 's', 'run'), { recursive: true });
  const server = createServer().listen(join(dir.path, 's', 'run', 'x.sock'));
  await once(server, 'listening');
  await put('f/.git/worktrees/job');
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    env: { CODEX_BRIDGE_HOME: join(dir.path, 's') },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  try {
    await once(child, 'spawn');
    expect(look()).toEqual([
      `process ${child.pid} lives on: ${process.execPath} -e process.stdin.resume()`,
      'run/x.sock was left in the state directory',
      `the worktree job was left in ${join(dir.path, 'f')}`,
    ]);
  } finally {
    child.kill('SIGKILL');
    server.close();
    await once(child, 'exit');
  }
});

it('the sessions of all folders are read, archived ones too', () => {
  const key = (n: number) => `${n}`.repeat(16);
  for (const n of [1, 2]) {
    const file = join(dir.path, 's', 'folders', key(n), 'history.db');
    const history = openHistory(file, key(n), { logger: recordingLogger(), clock: systemClock });
    for (const archived of [false, true]) {
      history.createSession({ ...sessionWith(), id: `s_${n}_${archived}`, folder: key(n), archived });
    }
    history.close();
  }
  const ids = storedSessions(join(dir.path, 's')).map(({ id }) => id);
  expect(ids.sort()).toEqual(['s_1_false', 's_1_true', 's_2_false', 's_2_true']);
});
