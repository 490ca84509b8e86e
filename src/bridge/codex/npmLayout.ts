import { access, open, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

const SCRIPT = /[^"'\s=;]*node_modules[\\/]@openai[\\/]codex[\\/]bin[\\/]codex\.js/;

/**
 * npm installs Codex as a Node script (`bin/codex.js`) that starts a native binary from a package for the
 * platform. Started without the script, it needs no Node on the PATH, gets our signals itself, and on Windows
 * no shell. `program` is a real path: that script, or a shim (`codex.cmd`, pnpm's shell script) that names it.
 *
 * @returns the native binary; undefined when `program` is nothing of npm's (and then most likely native itself)
 */
export async function nativeBinary(
  program: string,
  platform: NodeJS.Platform,
  arch: string,
): Promise<string | undefined> {
  const script = program.endsWith('codex.js') ? program : await scriptOfShim(program);
  if (script === undefined) return undefined;
  const roots = [join(dirname(script), '..', 'vendor')];
  try {
    const manifest = createRequire(script).resolve(`@openai/codex-${platform}-${arch}/package.json`);
    roots.unshift(join(dirname(manifest), 'vendor'));
  } catch {
    // The package of the platform is not installed; older versions bring their binaries along.
  }
  for (const root of roots) {
    for (const target of await targets(root, platform, arch)) {
      const binary = join(root, target, 'bin', platform === 'win32' ? 'codex.exe' : 'codex');
      if (await exists(binary)) return binary;
    }
  }
  return undefined;
}

/** Directories of `vendor`, named as Rust names targets (`x86_64-unknown-linux-musl`), that fit this machine. */
async function targets(root: string, platform: NodeJS.Platform, arch: string): Promise<string[]> {
  const cpu = arch === 'x64' ? 'x86_64' : 'aarch64';
  const system = { darwin: 'apple-darwin', win32: 'windows' }[platform as string] ?? 'linux';
  try {
    return (await readdir(root)).filter((name) => name.startsWith(`${cpu}-`) && name.includes(system));
  } catch {
    return []; // no such directory
  }
}

/** Shims are short texts; only their beginning is read, since `program` may as well be a binary of 200 MB. */
async function scriptOfShim(program: string): Promise<string | undefined> {
  const file = await open(program, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8192), 0, 8192, 0);
    const text = buffer.toString('latin1', 0, bytesRead);
    if (!text.startsWith('#!') && !/^(@|:|\s*@?echo|\s*@?setlocal)/i.test(text)) return undefined;
    // `%dp0%`, `%~dp0` and `$basedir` all mean the shim's own directory.
    const named = SCRIPT.exec(text)?.[0].replace(/^(%~?dp0%?|\$\{?basedir\}?)[\\/]*/i, '');
    if (named === undefined) return undefined;
    const script = resolve(dirname(program), named.replaceAll('\\', '/'));
    return (await exists(script)) ? script : undefined;
  } finally {
    await file.close();
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
