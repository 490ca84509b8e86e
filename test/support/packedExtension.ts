import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureVsCode } from '../../scripts/vscode.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cache = join(root, '.cache/packed');
/** Tells the workers of a run what its set-up has packed: all of a run test the same package. */
const PACKED = 'CODEX_BRIDGE_TEST_PACKED';
/** Everything that a package, or the tests that run inside its host, are made from. */
const INPUTS = [
  'package.json',
  'package-lock.json',
  'package.nls.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  '.vscodeignore',
  'esbuild.js',
  'tsconfig.base.json',
  'docs/images',
  'l10n',
  'media',
  'scripts',
  'src',
  'webview-ui',
  'test/host',
];
const DEADLINE_MS = 180_000;
/** Ms after which a package that no run has asked for is removed: longer than any run takes. */
const KEPT_MS = 60 * 60_000;

export interface PackedExtension {
  /** `npm run package`'s output. */
  readonly vsix: string;
  /** An extensions directory that VS Code itself has installed it into. To be copied, not used. */
  readonly extensions: string;
  /** The extension itself in there. */
  readonly installed: string;
  /** The tests for the extension host, built with it. */
  readonly hostTests: string;
}

/** Vitest calls it once before the browser's tests. */
export function setup(): void {
  process.env[PACKED] = pack();
}

/** The .vsix of the sources as they are, packed and installed at first use and kept until they change. */
export function packedExtension(): PackedExtension {
  const folder = process.env[PACKED] ?? pack();
  const extensions = join(folder, 'extensions');
  return {
    vsix: join(folder, 'codex-bridge.vsix'),
    extensions,
    installed: installedIn(extensions),
    hostTests: join(folder, 'dist-test/index.js'),
  };
}

/** The folder that VS Code has made for the extension; its name has the version. */
export function installedIn(extensions: string): string {
  const folder = readdirSync(extensions).find((name) => name.startsWith('codex-bridge.codex-bridge-'));
  if (folder === undefined) throw new Error(`the extension is not installed in ${extensions}`);
  return join(extensions, folder);
}

function pack(): string {
  mkdirSync(cache, { recursive: true });
  removeOld();
  // Built from a copy: what is packed is what was hashed, and the dist folder of a running watch is left alone.
  const building = join(cache, `new-${process.pid}`);
  try {
    rmSync(building, { recursive: true, force: true });
    for (const name of INPUTS) cpSync(join(root, name), join(building, name), { recursive: true });
    const folder = join(cache, contentHash(building));
    if (existsSync(folder)) {
      utimesSync(folder, new Date(), new Date());
      return folder;
    }
    symlinkSync(join(root, 'node_modules'), join(building, 'node_modules'), 'junction');
    const vsix = join(building, 'codex-bridge.vsix');
    run(building, [join(building, 'scripts/package.mjs'), '--out', vsix]);
    install(building, vsix);
    for (const name of readdirSync(building)) {
      if (!['codex-bridge.vsix', 'extensions', 'dist-test'].includes(name))
        rmSync(join(building, name), { recursive: true });
    }
    // Another run may have been as fast.
    if (!existsSync(folder)) renameSync(building, folder);
    return folder;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** As a person installs it, by VS Code's own means. */
function install(folder: string, vsix: string): void {
  const data = join(folder, 'data');
  run(folder, [
    ensureVsCode().entry,
    ...['--config', join(data, 'config.yaml'), '--user-data-dir', data],
    ...['--extensions-dir', join(folder, 'extensions'), '--install-extension', vsix],
  ]);
}

function run(cwd: string, args: readonly string[]): void {
  try {
    execFileSync(process.execPath, args, { cwd, timeout: DEADLINE_MS, stdio: 'pipe', encoding: 'utf8' });
  } catch (error) {
    // What execFileSync throws has the output.
    const { stdout, stderr, message } = error as { stdout?: string; stderr?: string; message: string };
    throw new Error(`the package could not be made: ${message}\n${stdout ?? ''}${stderr ?? ''}`);
  }
}

function contentHash(folder: string): string {
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}\0`);
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(folder, name);
    if (statSync(path).isFile()) hash.update(`${name}\0`).update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

function removeOld(): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    // Another run may remove it at the same moment.
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (age > KEPT_MS) rmSync(path, { recursive: true, force: true });
  }
}
