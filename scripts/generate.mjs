// Generates TypeScript types of the app-server protocol from the pinned Codex (not committed).
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'src/bridge/codex/generated');
const stamp = join(out, 'VERSION');
const { version } = JSON.parse(readFileSync(join(root, 'node_modules/@openai/codex/package.json'), 'utf8'));

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== version) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const codex = join(root, 'node_modules/@openai/codex/bin/codex.js');
  execFileSync(process.execPath, [codex, 'app-server', 'generate-ts', '--experimental', '--out', out], {
    stdio: 'inherit',
  });
  writeFileSync(stamp, version);
  console.log(`generated app-server types of Codex ${version}`);
}
