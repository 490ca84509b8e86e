// A .vsix for this platform: built for production, packed without a network, and checked for what is in it.
//   npm run package [-- --out FILE]
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ensureInstalled, underProjectNode } from './lib/install.mjs';
import { projectNode, root } from './lib/paths.mjs';
import { run } from './lib/run.mjs';

ensureInstalled();
await underProjectNode();

/** Bytes. */
const LIMIT = 3 * 1024 * 1024;
/** Everything that may be in the package: no sources, no tests, no source maps, no foreign binaries. */
const ALLOWED = [
  /^(package(\.nls(\.[\w-]+)?)?\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
  /^l10n\/bundle\.l10n(\.[\w-]+)?\.json$/,
  /^docs\/images\/chat\.png$/,
  /^media\/(walkthrough\/)?[\w-]+\.(png|svg)$/,
  /^dist\/(extension|face|uninstall)\.js$/,
  /^dist\/THIRD_PARTY_NOTICES\.txt$/,
  /^dist\/runtime\/[\w-]+\.mjs$/,
  /^dist\/webview\/[\w-]+\.(js|css|ttf)$/,
  /^dist\/runtime\/node_modules\/node-pty\/(package\.json|LICENSE)$/,
  /^dist\/runtime\/node_modules\/node-pty\/lib\/[\w/]+(?<!\.test)\.js$/,
  new RegExp(
    `^dist/runtime/node_modules/node-pty/prebuilds/${process.platform}-${process.arch}/(conpty/)?[\\w-]+(\\.node|\\.dll|\\.exe)?$`,
  ),
];
/** Without these it would not work. */
const NEEDED = [
  'package.json',
  'package.nls.json',
  'l10n/bundle.l10n.json',
  'README.md',
  'LICENSE',
  'dist/THIRD_PARTY_NOTICES.txt',
  'dist/extension.js',
  'dist/uninstall.js',
  'dist/runtime/cli.mjs',
  'dist/runtime/guard.mjs',
  'dist/webview/chat.js',
];

const vsce = join(root, 'node_modules/@vscode/vsce/vsce');

async function main() {
  const { version, name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const target = vsceTarget();
  const at = process.argv.indexOf('--out');
  const file = at > 0 ? resolve(process.argv[at + 1] ?? '') : join(root, `${name}-${target}-${version}.vsix`);
  mkdirSync(dirname(file), { recursive: true });

  await must(process.execPath, ['scripts/generate.mjs']);
  await must(process.execPath, ['esbuild.js', '--production']);

  const files = execFileSync(projectNode, [vsce, 'ls', '--no-dependencies'], { cwd: root, encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().replaceAll('\\', '/'))
    .filter((line) => line !== '');
  const foreign = files.filter((path) => !ALLOWED.some((pattern) => pattern.test(path)));
  const missing = NEEDED.filter((path) => !files.includes(path));
  if (foreign.length > 0)
    throw new Error(`These files must not be in the package:\n  ${foreign.join('\n  ')}`);
  if (missing.length > 0)
    throw new Error(`These files are missing in the package:\n  ${missing.join('\n  ')}`);

  await must(projectNode, [
    vsce,
    'package',
    '--no-dependencies',
    '--allow-missing-repository',
    '--no-rewrite-relative-links',
    '--target',
    target,
    '--out',
    file,
  ]);
  writeSbom(file.replace(/(\.vsix)?$/, '.cdx.json'));
  const { size } = statSync(file);
  const megabytes = (size / 1024 / 1024).toFixed(2);
  if (size > LIMIT) throw new Error(`${file} is ${megabytes} MB; the limit is 3 MB.`);
  console.log(`${file}: ${files.length} files, ${megabytes} MB`);
}

/**
 * What is in the package, as CycloneDX, beside it. npm's list of everything, down to what ships: its own
 * `--omit dev` also leaves out what ships and a tool needs as well.
 */
function writeSbom(file) {
  const text = execFileSync('npm', ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
  });
  const sbom = JSON.parse(text);
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const isShipped = ({ name, version }) => {
    const entry = packages[`node_modules/${name}`];
    return entry?.version === version && entry.dev !== true && entry.devOptional !== true;
  };
  sbom.components = sbom.components.filter(isShipped);
  const own = sbom.metadata.component;
  // npm takes the name of the folder.
  own.name = packages[''].name;
  const refs = new Set([own, ...sbom.components].map((component) => component['bom-ref']));
  sbom.dependencies = sbom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }));
  const told = new Set(sbom.components.map(({ name }) => name));
  const notices = readFileSync(join(root, 'dist/THIRD_PARTY_NOTICES.txt'), 'utf8');
  const bundled = [...notices.matchAll(/^-{80}\n(\S+) \S+ \(/gm)].map(([, name]) => name);
  const untold = bundled.filter((name) => !told.has(name));
  if (bundled.length === 0 || untold.length > 0)
    throw new Error(`The SBOM does not name what is bundled: ${untold.join(', ')}. Is it in "dependencies"?`);
  writeFileSync(file, `${JSON.stringify(sbom, undefined, 2)}\n`);
  console.log(`${file}: ${told.size} packages`);
}

/** VS Code's name for this platform. Its own is used for musl, where no glibc binary runs. */
function vsceTarget() {
  const { platform, arch } = process;
  if (platform !== 'linux') return `${platform}-${arch}`;
  const { glibcVersionRuntime } = process.report.getReport().header;
  return `${glibcVersionRuntime === undefined ? 'alpine' : 'linux'}-${arch}`;
}

async function must(command, args) {
  const { ok, reason } = await run(command, args);
  if (!ok) throw new Error(reason);
}

await main().catch((error) => {
  console.error(`No package: ${error.message}`);
  process.exitCode = 1;
});
