import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Discovery, publishDiscovery } from '../../src/bridge/http/discovery.ts';
import { StateDirectory } from '../../src/bridge/stateDirectory.ts';
import { discoveryFile, readDiscovery } from '../../src/client/discovery.ts';
import { joinBridge } from '../../src/client/join.ts';
import { isOwnSocket } from '../../src/client/ownFiles.ts';
import { type TempDir, tempDir } from '../support/codexHome.ts';
import { answers, Impostor } from '../support/impostor.ts';

// The file that says where the bridge is, and whoever listens there.

let dir: TempDir;
let home: string;

beforeEach(async () => {
  dir = await tempDir('td');
  home = join(dir.path, 's');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await dir.dispose();
});

const SECRETS = { key: 'the-key', token: 'the-token' };

function discovery(more: Partial<Discovery> = {}): Discovery {
  return {
    contract: 1,
    version: '0.1.0',
    pid: process.pid,
    instance: 'i',
    socket: join(home, 'run', 'bridge.sock'),
    url: 'http://127.0.0.1:1/mcp',
    ...SECRETS,
    ...more,
  };
}

function asAnotherUser(): void {
  const own = process.getuid?.() ?? 0;
  vi.spyOn(process, 'getuid').mockReturnValue(own + 1);
}

describe('A16: the state directory', () => {
  it('A16: is its owner’s alone, also where it was there before and open to all', () => {
    mkdirSync(join(home, 'run'), { recursive: true });
    for (const path of [home, join(home, 'run')]) chmodSync(path, 0o777);
    const state = StateDirectory.open(home);
    for (const path of [home, state.runDir]) expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it('A16: of another user is refused', () => {
    mkdirSync(home);
    asAnotherUser();
    expect(() => StateDirectory.open(home)).toThrow(
      expect.objectContaining({
        code: 'STATE_DIR_UNUSABLE',
        message: expect.stringContaining('another user'),
      }),
    );
  });

  it('A16: with a link where its sockets should be is refused', () => {
    const elsewhere = join(dir.path, 'elsewhere');
    mkdirSync(elsewhere);
    mkdirSync(home);
    symlinkSync(elsewhere, join(home, 'run'));
    expect(() => StateDirectory.open(home)).toThrow(expect.objectContaining({ code: 'STATE_DIR_UNUSABLE' }));
  });
});

describe('A16: the discovery file', () => {
  beforeEach(() => {
    StateDirectory.open(home);
  });

  it('A16: is for its owner only, whatever the umask, and never there in part', () => {
    const mask = process.umask(0);
    try {
      publishDiscovery(home, discovery());
    } finally {
      process.umask(mask);
    }
    const first = lstatSync(discoveryFile(home));
    expect(first.mode & 0o777).toBe(0o600);
    publishDiscovery(home, discovery({ instance: 'next' }));
    // Another file took its place: nobody who reads sees a part of it.
    expect(lstatSync(discoveryFile(home)).ino).not.toBe(first.ino);
  });

  it('A16: does not write through a planted link', async () => {
    const target = join(dir.path, 'target');
    writeFileSync(target, 'untouched');
    symlinkSync(target, discoveryFile(home));
    publishDiscovery(home, discovery());
    expect(readFileSync(target, 'utf8')).toBe('untouched');
    expect(await readDiscovery(home)).toEqual(discovery());
  });

  it('A16: takes nothing over from a planted file that others may open', async () => {
    writeFileSync(discoveryFile(home), '{}', { mode: 0o666 });
    chmodSync(discoveryFile(home), 0o666);
    publishDiscovery(home, discovery());
    expect(lstatSync(discoveryFile(home)).mode & 0o777).toBe(0o600);
  });

  it('A16: is not written over what another user has planted', () => {
    writeFileSync(discoveryFile(home), '{}');
    asAnotherUser();
    expect(() => publishDiscovery(home, discovery())).toThrow(
      expect.objectContaining({ code: 'STATE_DIR_UNUSABLE' }),
    );
  });

  it.each<[string, (file: string) => void]>([
    [
      'a link',
      (file) => {
        writeFileSync(`${file}.there`, JSON.stringify(discovery()), { mode: 0o600 });
        rmSync(file);
        symlinkSync(`${file}.there`, file);
      },
    ],
    ['another user’s', asAnotherUser],
    ['one that others may write', (file) => chmodSync(file, 0o622)],
    ['in a directory where others may put another', (file) => chmodSync(dirname(file), 0o777)],
    [
      'a directory',
      (file) => {
        rmSync(file);
        mkdirSync(file);
      },
    ],
    [
      'a pipe that nobody writes to',
      (file) => {
        rmSync(file);
        execFileSync('mkfifo', [file]);
      },
    ],
    ['endless', (file) => writeFileSync(file, JSON.stringify({ ...discovery(), more: 'x'.repeat(100_000) }))],
    ['of another form', (file) => writeFileSync(file, JSON.stringify({ ...discovery(), key: 7 }))],
    ['without a key', (file) => writeFileSync(file, JSON.stringify({ ...discovery(), key: undefined }))],
  ])('A16: %s is not believed', async (_what, spoil) => {
    publishDiscovery(home, discovery());
    expect(await readDiscovery(home)).toEqual(discovery());
    spoil(discoveryFile(home));
    expect(await readDiscovery(home)).toBeUndefined();
  });
});

const FACE = { kind: 'shim', canAnswer: false, version: '0.1.0' } as const;
describe('A17: another program where a bridge was', () => {
  let impostor: Impostor | undefined;

  beforeEach(() => {
    StateDirectory.open(home);
    publishDiscovery(home, discovery());
  });
  afterEach(() => impostor?.close());

  it.each<[string, (line: string) => string]>([
    ['makes a proof up', answers({ proof: Buffer.alloc(32, 1).toString('base64url') })],
    ['gives an empty one', answers({ proof: '' })],
    ['gives none', answers({})],
    ['gives back what it was asked', (line) => `${line}\n`],
    ['gives back the nonce as the proof', (line) => answers({ proof: JSON.parse(line).params.nonce })(line)],
    ['says null', answers(null)],
    [
      'refuses to prove itself',
      (line) =>
        `${JSON.stringify({ id: JSON.parse(line).id, error: { code: 'BRIDGE_CONTRACT', message: 'no' } })}\n`,
    ],
    ['speaks HTTP', () => 'HTTP/1.1 200 OK\r\n\r\n'],
  ])('A17: one that %s hears a question and no more', async (_what, answer) => {
    impostor = await Impostor.listen(discovery().socket, answer);
    expect(await joinBridge(home, FACE)).toBeUndefined();
    const lines = impostor.heard
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual([
      { id: 1, method: 'prove', params: { nonce: expect.stringMatching(/^[\w-]{43}$/) } },
    ]);
    for (const secret of Object.values(SECRETS)) expect(impostor.heard).not.toContain(secret);
  });

  it('A17: each question is another one: an answer that was overheard is worth nothing', async () => {
    impostor = await Impostor.listen(discovery().socket, answers({}));
    await joinBridge(home, FACE);
    await joinBridge(home, FACE);
    const nonces = impostor.heard
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).params.nonce);
    expect(new Set(nonces).size).toBe(2);
  });

  it('A16: a socket in a directory where others may write is not even connected to', async () => {
    impostor = await Impostor.listen(discovery().socket, answers({}));
    chmodSync(join(home, 'run'), 0o777);
    expect(await readDiscovery(home)).toBeDefined();
    expect(await joinBridge(home, FACE)).toBeUndefined();
    expect(impostor.connections).toBe(0);
  });

  it('A16: neither is one of another user, nor what is no socket', async () => {
    const { socket } = discovery();
    impostor = await Impostor.listen(socket, answers({}));
    expect(await isOwnSocket(socket)).toBe(true);
    symlinkSync(socket, `${socket}.link`);
    expect(await isOwnSocket(`${socket}.link`)).toBe(false);
    expect(await isOwnSocket(discoveryFile(home))).toBe(false);
    asAnotherUser();
    expect(await isOwnSocket(socket)).toBe(false);
  });
});
