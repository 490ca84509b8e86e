import { expect, test } from 'vitest';
import { isOlder } from '../../src/bridge/codex/findCodex.ts';
import { parsePs } from '../../src/bridge/codex/processes.ts';
import { Tail } from '../../src/bridge/codex/tail.ts';

test('the marks in what macOS prints of its processes', () => {
  const printed = [
    '  501 Ss   Thu Nov 20 21:45:01 2026     /sbin/launchd',
    '    7 S    Thu Nov  5 01:02:03 2026     sleep 600 PATH=/usr/bin CODEX_BRIDGE_MARK=aa:bb:cc:dd HOME=/Users/me',
    '    8 S+   Thu Nov  5 01:02:03 2026     grep CODEX_BRIDGE_MARKED=no XCODEX_BRIDGE_MARK=no',
    '    9 Z    Thu Nov  5 01:02:03 2026     (dead) CODEX_BRIDGE_MARK=aa:bb:cc:dd',
    '',
  ].join('\n');
  expect(parsePs(printed)).toEqual([{ pid: 7, started: 'Thu Nov  5 01:02:03 2026', mark: 'aa:bb:cc:dd' }]);
});

test.each([
  ['0.153.99', '0.154.0', true],
  ['0.154.0', '0.154.0', false],
  ['0.154.0-alpha.1', '0.154.0', false],
  ['0.1000.0', '0.154.0', false],
  ['1.0.0', '0.154.0', false],
  ['0.0.0', '0.154.0', false],
])('%s is older than %s: %s', (version, minimum, older) => {
  expect(isOlder(version, minimum)).toBe(older);
});

test('the tail of a text keeps its end, without colours, and tells a match that comes in pieces', async () => {
  const tail = new Tail(16);
  const found = tail.match(/port: (\d+)\n/);
  for (const piece of ['a long beginning\n', '\u001b[31mpo', 'rt: 12', '34\n']) tail.add(Buffer.from(piece));
  expect(await found).toBe('1234');
  expect(tail.text.length).toBeLessThanOrEqual(16);
  expect(await tail.match(/port: (\d+)/)).toBe('1234');
});
