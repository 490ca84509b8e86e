// What VS Code runs after the extension was uninstalled (package.json, "vscode:uninstall"), with its own binary
// as Node: dist/uninstall.js, a bundle of its own. It has 5 seconds.
import { appendFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { launcherFile } from '../client/launcher.ts';
import { makeDirectory } from '../client/makeDirectory.ts';
import { whereText } from '../client/registrations/entry.ts';
import { asPlace } from '../client/registrations/record.ts';
import { stateDir } from '../client/stateDir.ts';
import { type Uninstalled, uninstall } from '../client/uninstall.ts';
import { messageOf } from '../shared/errors.ts';
import { EXIT } from './exit.ts';

async function main(script: string): Promise<number> {
  const home = stateDir();
  try {
    const version = process.env.CODEX_BRIDGE_VERSION ?? '0.0.0';
    tell(home, report(home, await uninstall(home, dirname(dirname(resolve(script))), version)));
    return EXIT.done;
  } catch (error) {
    tell(home, `Uninstalling left something behind: ${messageOf(error)}`);
    return EXIT.failed;
  }
}

/** What was done and what is left to the person. */
function report(home: string, { others, stopped, registrations }: Uninstalled): string {
  if (others.length > 0) return `Nothing was removed: ${others.join(', ')} uses ${home}, too.`;
  const bridge = stopped ? 'The bridge has ended.' : 'No bridge was running.';
  const kept = `The history stays in ${home}; remove that folder if you do not want it any more.`;
  if (registrations.length === 0) return `${bridge} No client has a registration. ${kept}`;
  const list = registrations.map((each) => `  ${each.client}, ${whereText(asPlace(each))}`).join('\n');
  return `${bridge} ${kept}\nThese clients still have a registration:\n${list}\nRemove them with:\n  "${launcherFile(home)}" connect --remove`;
}

/** VS Code shows the output nowhere, so it is in a file, too. */
function tell(home: string, text: string): void {
  process.stdout.write(`${text}\n`);
  makeDirectory(join(home, 'logs'));
  appendFileSync(join(home, 'logs', 'uninstall.log'), `${new Date().toISOString()} ${text}\n`, {
    mode: 0o600,
  });
}

main(process.argv[1] ?? '').then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`codex-bridge: ${messageOf(error)}\n`);
    process.exitCode = EXIT.failed;
  },
);
