import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('the demo builds, opens VS Code, gets an answer from Codex, and ends all of it', async () => {
  const child = spawn(process.execPath, ['scripts/demo.mjs', '--check'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const [status] = await once(child, 'close');
  expect(status, output).toBe(0);
  expect(output).toContain('a SCRIPTED MODEL');
  expect(output).toContain('Codex answers: Echo: Hello');
  // VS Code has ended with it: its port is closed.
  const url = /VS Code: (http:\S+)/.exec(output)?.[1] ?? '';
  await expect(fetch(url)).rejects.toThrow();
});
