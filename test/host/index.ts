import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';

/** Where the results go: a file, because the extension host's console reaches its starter only in part. */
const REPORT = 'CODEX_BRIDGE_HOST_REPORT';

export interface HostResult {
  readonly title: string;
  readonly state: 'passed' | 'failed' | 'pending';
  readonly ms: number;
  readonly error?: string;
}

/** Called by VS Code inside the extension host. */
export async function run(): Promise<void> {
  const file = process.env[REPORT];
  if (file === undefined) throw new Error(`${REPORT} is not set; run these tests by test/e2e/host.test.ts`);
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000, reporter: 'spec' });
  // The tests are bundled, so mocha loads no file that would tell it to make its globals.
  mocha.suite.emit(Mocha.Suite.constants.EVENT_FILE_PRE_REQUIRE, globalThis, '', mocha);
  await import('./extension.ts');
  await import('./editor.ts');
  const results: HostResult[] = [];
  await new Promise<void>((resolve) => {
    const runner = mocha.run(() => resolve());
    runner.on('test end', (test) => {
      results.push({
        title: test.fullTitle(),
        state: test.state ?? 'pending',
        ms: test.duration ?? 0,
        ...(test.err === undefined ? {} : { error: test.err.stack ?? test.err.message }),
      });
    });
    runner.on('fail', (test, error: unknown) => {
      // A failed hook ends no test.
      if (String(test.type) !== 'hook') return;
      results.push({ title: test.fullTitle(), state: 'failed', ms: 0, error: String(error) });
    });
  });
  writeFileSync(file, JSON.stringify(results));
  const failed = results.filter(({ state }) => state !== 'passed');
  if (failed.length > 0 || results.length === 0) throw new Error(`${failed.length} host tests failed`);
}
