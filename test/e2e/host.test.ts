import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { HostResult } from '../host/index.ts';
import { launchBrowser } from '../support/browser.ts';
import { makeCodexHome, tempDir } from '../support/codexHome.ts';
import { packedExtension } from '../support/packedExtension.ts';
import { ScriptedModel } from '../support/scriptedModel.ts';
import { VsCode } from '../support/vscode.ts';

const DEADLINE_MS = 150_000;

/** The mocha tests of test/host, run once inside the real extension host; each is reported here. */
const results = await runInHost();

describe('inside the extension host', () => {
  test('the tests ran', () => {
    expect(results.length).toBeGreaterThan(0);
  });
  for (const { title, state, error } of results) {
    test(title, () => {
      expect(state, error).toBe('passed');
    });
  }
});

async function runInHost(): Promise<readonly HostResult[]> {
  const model = await ScriptedModel.start();
  const codex = await makeCodexHome({ modelUrl: model.url });
  const temp = await tempDir('ht');
  const report = `${temp.path}/report.json`;
  const second = `${temp.path}/second`;
  mkdirSync(second);
  const vscode = await VsCode.start({
    env: { ...codex.env, CODEX_BRIDGE_HOST_REPORT: report, CODEX_BRIDGE_SECOND_FOLDER: second },
    testDriver: true,
  });
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    const output: string[] = [];
    const exited = new Promise<void>((resolve) => {
      void page.exposeFunction('codeAutomationExit', () => resolve());
    });
    await page.exposeFunction('codeAutomationLog', (type: string, args: unknown[]) => {
      output.push(`${type}: ${args.map(String).join(' ')}`);
    });
    // A workspace file: from a single folder VS Code restarts its extension host when a second one is added.
    const workspace = vscode.writeFile('one.code-workspace', JSON.stringify({ folders: [{ path: 'work' }] }));
    await page.goto(vscode.hostTestUrl(packedExtension().hostTests, workspace));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DEADLINE_MS);
    });
    await Promise.race([exited, late]);
    clearTimeout(timer);
    console.log(output.filter((line) => line.includes('activation:')).join('\n'));
    if (!existsSync(report))
      throw new Error(`the host tests did not finish:\n${output.join('\n')}\n${vscode.log()}`);
    // Written by test/host/index.ts.
    return JSON.parse(readFileSync(report, 'utf8')) as HostResult[];
  } finally {
    await browser.close();
    await vscode.stop();
    await temp.dispose();
    await codex.dispose();
    await model.close();
  }
}
