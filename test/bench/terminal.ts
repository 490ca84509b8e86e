import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { demoScript } from '../support/demoScript.ts';
import { TerminalPage } from '../support/terminalPage.ts';
import { VsCode } from '../support/vscode.ts';
import type { Bench } from './bench.ts';
import type { Figure } from './figure.ts';

const MEGABYTES = 100;
const DEADLINE_MS = 180_000;
const group = 'terminal';
const probe = new URL('./loopProbe.mjs', import.meta.url).href;

/** What a process of ours has told by itself; see loopProbe.mjs. */
interface Told {
  readonly started: boolean;
  /** Bytes of resident memory above those at the start, at most. */
  readonly grown: number;
  /** Event-loop delay, ms. */
  readonly p99: number;
  readonly max: number;
}

/** A flood through a session's terminal in a real VS Code: what it costs the bridge and the extension host. */
export async function terminal(bench: Bench): Promise<Figure[]> {
  const folder = join(bench.dir.path, 'probe');
  mkdirSync(folder);
  bench.model.script(demoScript);
  const vscode = await VsCode.start({
    env: { ...bench.home.env, BENCH_PROBE: folder },
    settings: { 'codexBridge.codexPath': floodingCodex(bench) },
  });
  bench.atEnd(() => vscode.stop());
  // VS Code passes no NODE_OPTIONS on: the probe goes into the installed copy.
  prepend(join(vscode.extension, 'dist/extension.js'), `import(${JSON.stringify(probe)});`);
  prepend(join(vscode.extension, 'dist/runtime/cli.mjs'), `import ${JSON.stringify(probe)};`);
  const browser = await launchBrowser();
  bench.atEnd(() => browser.close());
  const workbench = await Workbench.open(browser, vscode.workbenchUrl());
  const chat = await workbench.chat();
  await workbench.send('Hello');
  await chat.locator('.turn[data-status=completed]').waitFor();
  await workbench.runCommand('Codex Bridge: Open Terminal');
  const shown = await TerminalPage.of(workbench.page);
  await shown.shows('READY');
  writeFileSync(join(folder, 'go'), '');
  await told(folder, 'bridge', ({ started }) => started);
  await told(folder, 'host', ({ started }) => started);
  const begin = performance.now();
  // A line: the program's input is not raw.
  await shown.type('x');
  await workbench.page.keyboard.press('Enter');
  await shown.frame.waitForFunction(
    () => document.querySelector<HTMLElement>('.xterm-rows')?.innerText.includes('LAST LINE') === true,
    undefined,
    { timeout: DEADLINE_MS },
  );
  const seconds = (performance.now() - begin) / 1000;
  const processes = { bridge: await read(folder, 'bridge'), 'extension host': await read(folder, 'host') };
  const note = `${MEGABYTES} MB in ${seconds.toFixed(1)} s, the last line on the screen`;
  return Object.entries(processes).flatMap(([name, { grown, p99, max }]): Figure[] => [
    { group, name: `${name}: memory above the start`, value: grown / 1024 ** 2, unit: 'MB', most: 50, note },
    {
      group,
      name: `${name}: event-loop delay, p99`,
      value: p99,
      unit: 'ms',
      most: 50,
      note: `longest ${max.toFixed(0)} ms`,
    },
  ]);
}

function prepend(file: string, line: string): void {
  const text = readFileSync(file, 'utf8');
  // A program's first line may name its interpreter.
  const [, first = '', rest = ''] = /^(#![^\n]*\n)?(.*)$/s.exec(text) ?? [];
  writeFileSync(file, `${first}${line}\n${rest}`);
}

/** The real Codex, but its TUI is a program that prints without end when it is given a line. */
function floodingCodex(bench: Bench): string {
  const flood = join(bench.dir.path, 'flood.cjs');
  writeFileSync(
    flood,
    `const { writeSync } = require('node:fs');
const block = ('x'.repeat(98) + '\\r\\n').repeat(660);
const say = (text) => {
  for (let at = 0; at < text.length; ) {
    try { at += writeSync(1, text.slice(at)); } catch (error) { if (error.code !== 'EAGAIN') throw error; }
  }
};
process.stdin.once('data', () => {
  for (let sent = 0; sent < ${MEGABYTES * 1024 ** 2}; sent += block.length) say(block);
  say('THE LAST LINE\\r\\n');
});
process.stdin.resume();
say('READY\\r\\n');
`,
  );
  const codex = join(bench.dir.path, 'codex');
  writeFileSync(
    codex,
    `#!/bin/sh\nif [ "$1" = --remote ]; then exec "${process.execPath}" "${flood}"; fi\nexec "${bench.codex}" "$@"\n`,
  );
  chmodSync(codex, 0o755);
  return codex;
}

async function told(folder: string, role: string, test: (told: Told) => boolean): Promise<Told> {
  for (const deadline = performance.now() + 20_000; ; ) {
    const file = join(folder, `${role}.json`);
    if (existsSync(file)) {
      const now = await read(folder, role);
      if (test(now)) return now;
    }
    if (performance.now() > deadline) throw new Error(`the ${role} tells nothing of itself in ${folder}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The file is written anew four times a second, and may just be empty. */
async function read(folder: string, role: string): Promise<Told> {
  for (;;) {
    const text = readFileSync(join(folder, `${role}.json`), 'utf8');
    if (text !== '') return JSON.parse(text) as Told; // loopProbe.mjs writes it
    await new Promise((resolve) => setImmediate(resolve));
  }
}
