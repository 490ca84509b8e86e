import { describe, expect, it } from 'vitest';
import { logLine } from '../../src/cli/diagnostics.ts';
import { exposureLines } from '../../src/shared/exposure.ts';
import type { ClientInfo } from '../../src/shared/faces.ts';
import { scrub } from '../../src/shared/scrub.ts';
import { FakeBridge, FakeFolder } from '../support/fakeBridge.ts';

const NAMES = {
  home: '/home/jane',
  state: '/home/jane/.local/state/codex-bridge',
  user: 'jane',
  host: 'janes-laptop',
  folders: [
    { key: 'k1', path: '/home/jane/shop' },
    { key: 'k2', path: '/home/jane/shop/api' },
  ],
};

describe('a report for others', () => {
  it.each([
    ['/home/jane/shop/api/src/x.ts', '<folder k2>/src/x.ts'],
    ['/home/jane/shop', '<folder k1>'],
    ['/home/jane/.local/state/codex-bridge/logs', '<state>/logs'],
    ['/home/jane/.codex', '~/.codex'],
    ['user jane at janes-laptop', 'user <user> at <host>'],
    ['janet and mary-jane', 'janet and mary-jane'],
    ['jane.doe@example.org', '<email>'],
    ['token=abcdefgh', 'token=[redacted]'],
  ])('%s', (text, clean) => {
    expect(scrub(text, NAMES)).toBe(clean);
  });

  it("knows Windows' paths also as JSON has them", () => {
    const names = { ...NAMES, home: 'C:\\Users\\jane', folders: [] };
    expect(scrub(JSON.stringify({ at: 'C:\\Users\\jane\\x' }), names)).toBe('{"at":"~\\\\x"}');
  });

  it('has of a log line what names things, and nothing that somebody wrote', () => {
    const line = {
      time: 'T',
      level: 'warn',
      message: 'it failed',
      session: 's_1',
      ms: 12,
      error: { code: 'CODEX_REFUSED', message: 'It quotes the prompt.' },
      why: 'what Codex said in words',
      cause: 'ENOENT: no such file, open /home/jane/secret plans',
    };
    expect(logLine(JSON.stringify(line))).toBe(
      'T warn it failed session=s_1 ms=12 error=CODEX_REFUSED cause=ENOENT',
    );
    expect(logLine('at Object.<anonymous> (a stack)')).toBeUndefined();
    expect(logLine('[1]')).toBeUndefined();
  });
});

it('what is exposed is said with the address, the number of tokens, clients, rights, folders and the log', () => {
  const bridge = new FakeBridge(new FakeFolder('/home/jane/shop', 'shop'));
  const [folder] = bridge.list.map((one) => one.status());
  const client: ClientInfo = {
    name: 'claude-code',
    version: '2.1',
    era: '2026-07-28',
    folder: folder?.key ?? '',
    since: 0,
    lastSeen: 0,
    turns: [],
  };
  const told = bridge.status();
  const trust = { level: 'untrusted', inEffect: [], held: ['/home/jane/shop/.codex'] } as const;
  const status = {
    ...told,
    folders: told.folders.map((one) => ({ ...one, codexTrust: trust })),
    url: 'http://127.0.0.1:4711/mcp',
    tokens: 2,
    log: { level: 'info', file: '/x/bridge.log' } as const,
  };
  const lines = exposureLines(status, [client, { ...client, folder: null }]).join('\n');
  expect(lines).toContain('Listens on 127.0.0.1:4711, for this machine only. Tokens that open it: 2.');
  expect(lines).toContain('MCP clients: claude-code 2.1 (the folder shop), claude-code 2.1 (all folders).');
  expect(lines).toContain('at most: sandbox workspace-write, approvals on-request.');
  expect(lines).toContain('Commands in the sandbox have no network.');
  expect(lines).toContain('Folder /home/jane/shop: Codex');
  expect(lines).toContain('runs nothing that these configure: /home/jane/shop/.codex.');
  expect(lines).toContain('Its log is /x/bridge.log, level info.');
});
