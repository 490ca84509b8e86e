import { expect, test } from 'vitest';
import { commandLine, terminalCommand, terminalEnvironment } from '../../src/bridge/terminal/command.ts';
import { clampSize } from '../../src/shared/terminal.ts';

test('a PTY never gets a size that no program can draw on', () => {
  expect(clampSize({ cols: 0, rows: 0 })).toEqual({ cols: 20, rows: 5 });
  expect(clampSize({ cols: 10_000, rows: 10_000 })).toEqual({ cols: 500, rows: 200 });
  expect(clampSize({ cols: 80.7, rows: 24.2 })).toEqual({ cols: 80, rows: 24 });
});

test('the TUI joins over the socket, with nothing of another terminal in its environment', async () => {
  const attachment = { codex: '/opt/my codex', remote: { url: 'unix:///run/x.sock' }, mark: 'a:b:c' };
  const command = await terminalCommand(attachment, 'thread-1', '/folder');
  expect(command).toEqual({
    file: '/opt/my codex',
    args: ['--remote', 'unix:///run/x.sock', 'resume', 'thread-1'],
    cwd: '/folder',
    env: {},
  });
  expect(commandLine(command)).toBe('"/opt/my codex" --remote unix:///run/x.sock resume thread-1');
  const env = terminalEnvironment(
    {
      PATH: '/bin',
      TERM: 'dumb',
      TERM_PROGRAM: 'tmux',
      TMUX: '1',
      COLUMNS: '3',
      VSCODE_PID: '1',
      NO_COLOR: '1',
    },
    { named: [], mark: 'a:b:c' },
    {},
  );
  expect(env).toEqual({
    PATH: '/bin',
    CODEX_BRIDGE_MARK: 'a:b:c',
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
  });
});

test('a Codex on stdio has no room for a terminal', async () => {
  await expect(
    terminalCommand({ codex: '/codex', remote: undefined, mark: '' }, 't', '/'),
  ).rejects.toMatchObject({ code: 'TERMINAL_UNAVAILABLE' });
});
