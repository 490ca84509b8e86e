import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchBrowser, Workbench } from '../support/browser.ts';
import { VsCode } from '../support/vscode.ts';
import type { Bench } from './bench.ts';
import { type Figure, median } from './figure.ts';

const ROUNDS = 5;
const entry = fileURLToPath(new URL('../../dist/extension.js', import.meta.url));

/** What the extension costs a window: `activate` in a real VS Code, by its own log, and its entry's size. */
export async function activation(bench: Bench): Promise<Figure[]> {
  const vscode = await VsCode.start({ env: bench.home.env });
  bench.atEnd(() => vscode.stop());
  const browser = await launchBrowser();
  bench.atEnd(() => browser.close());
  for (let round = 0; round < ROUNDS; round++) {
    const window = await Workbench.open(browser, vscode.workbenchUrl());
    await window.chat();
    await window.page.close();
  }
  const times = await activationTimes(join(vscode.folder, '..', 'u', 'logs'));
  const group = 'VS Code';
  return [
    {
      group,
      name: 'activation of the extension',
      value: median(times),
      unit: 'ms',
      most: 50,
      note: `its own time, median of ${times.length}`,
    },
    { group, name: 'entry bundle', value: statSync(entry).size / 1024, unit: 'KB', most: 100 },
  ];
}

/** From the extension's own log, which VS Code writes with a delay. */
async function activationTimes(folder: string): Promise<number[]> {
  for (const deadline = performance.now() + 10_000; ; ) {
    const times = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.log'))
      .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(/activated in ([\d.]+) ms/g)])
      .map((match) => Number(match[1]));
    if (times.length >= ROUNDS) return times;
    if (performance.now() > deadline) {
      throw new Error(`${times.length} of ${ROUNDS} activations are in the logs of ${folder}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
