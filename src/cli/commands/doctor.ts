import { parseArgs } from 'node:util';
import { runDoctor } from '../../bridge/main.ts';
import { stateDir } from '../../client/stateDir.ts';
import { EXIT } from '../exit.ts';
import { VERSION } from '../version.ts';

/** Checks everything that the bridge needs, and says for each failure what to do. */
export async function doctor(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } });
  const checks = await runDoctor(stateDir());
  const ok = checks.every((check) => check.ok);
  if (values.json)
    process.stdout.write(`${JSON.stringify({ ok, version: VERSION, checks }, undefined, 2)}\n`);
  else {
    for (const { name, ok: passed, detail, fix } of checks) {
      process.stdout.write(
        `${passed ? 'ok    ' : 'FAILED'}  ${name}: ${detail}\n${fix === undefined ? '' : `        ${fix}\n`}`,
      );
    }
  }
  return ok ? EXIT.done : EXIT.failed;
}
