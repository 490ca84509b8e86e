import { parseArgs } from 'node:util';
import { type Check, runDoctor } from '../../bridge/main.ts';
import { stateDir } from '../../client/stateDir.ts';
import { messageOf } from '../../shared/errors.ts';
import { exposureLines } from '../../shared/exposure.ts';
import { redact } from '../../shared/redact.ts';
import { diagnosticsOf } from '../diagnostics.ts';
import { EXIT, UsageError } from '../exit.ts';
import { askRunning, type RunningReport, reportOf } from '../running.ts';
import { VERSION } from '../version.ts';

/** Checks everything that the bridge needs, and says for each failure what to do, and what a running one exposes. */
export async function doctor(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean', default: false },
      diagnostics: { type: 'boolean', default: false },
    },
  });
  if (values.json && values.diagnostics) throw new UsageError('Choose one of --json and --diagnostics.');
  const home = stateDir();
  // First what runs: the checks may take some seconds, and one of them starts a Codex.
  const running = await askRunning(home).catch((error: unknown) => ({ error: redact(messageOf(error)) }));
  const checks = await runDoctor(home);
  const ok = checks.every((check) => check.ok);
  const report = { ok, version: VERSION, checks, bridge: bridgeOf(running) };
  if (values.json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else if (values.diagnostics) process.stdout.write(await diagnosticsOf(home, report));
  else process.stdout.write(textOf(checks, running));
  return ok ? EXIT.done : EXIT.failed;
}

type Running = RunningReport | { readonly error: string } | undefined;

function bridgeOf(running: Running) {
  if (running === undefined) return null;
  return 'error' in running ? running : reportOf(running);
}

function textOf(checks: readonly Check[], running: Running): string {
  const lines = checks.flatMap(({ name, ok, detail, fix }) => [
    `${ok ? 'ok    ' : 'FAILED'}  ${name}: ${detail}`,
    ...(fix === undefined ? [] : [`        ${fix}`]),
  ]);
  if (running !== undefined) {
    const told = 'error' in running ? [running.error] : exposureLines(running.status, running.clients);
    lines.push('', 'The bridge that runs:', ...told.map((line) => `  ${line}`));
  }
  return `${lines.join('\n')}\n`;
}
