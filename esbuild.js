// Builds everything that ships into dist/, and the tests of the extension host into dist-test/.
//   node esbuild.js [--production] [--watch]
// CommonJS, because the package has no "type" and VS Code loads dist/extension.js as CommonJS.
const { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } = require('node:fs');
const { join, relative } = require('node:path');
const { gzipSync } = require('node:zlib');
const esbuild = require('esbuild');
const { writeNotices } = require('./scripts/lib/notices.cjs');

const production = process.argv.includes('--production');
const watch = process.argv.includes('--watch');
const root = __dirname;

/** Where node-pty goes: its binary cannot be bundled. */
const nodePty = 'dist/runtime/node_modules/node-pty';

/** Licences of what is bundled. */
const notices = 'dist/THIRD_PARTY_NOTICES.txt';

/** Bytes. A bundle that outgrows its limit fails the build. */
const limits = [
  { file: 'dist/extension.js', measure: 'raw', bytes: 100 * 1024 },
  { file: 'dist/webview/chat.js', measure: 'gzip', bytes: 150 * 1024 },
  { file: 'dist/webview/panel.js', measure: 'gzip', bytes: 180 * 1024 },
];

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  minify: production,
  sourcemap: production ? false : 'linked',
  metafile: true,
  logLevel: 'warning',
  legalComments: production ? 'none' : 'inline',
  define: { 'process.env.CODEX_BRIDGE_VERSION': JSON.stringify(version) },
};

/** VS Code 1.106 may bring Node 22. */
const node = { ...common, platform: 'node', target: 'node22' };

/** Its main file hides from the bundler what it requires. */
const esmOfJsonc = { 'jsonc-parser': join(root, 'node_modules/jsonc-parser/lib/esm/main.js') };

/** Runs in the extension host, which gives `vscode` to `require` only: no native `import()`. */
const host = { ...node, format: 'cjs', supported: { 'dynamic-import': false } };

/** The entry stays small: what it imports dynamically from face.ts is a bundle of its own. */
const faceApart = {
  name: 'face-apart',
  setup(build) {
    build.onResolve({ filter: /\/face\.ts$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './face.js', external: true } : undefined,
    );
  },
};

/** @type {Record<string, import('esbuild').BuildOptions & {entryPoints: Record<string, string>}>} */
const targets = {
  extension: {
    ...host,
    entryPoints: { extension: 'src/extension/extension.ts' },
    outdir: 'dist',
    external: ['vscode'],
    plugins: [faceApart],
  },
  face: {
    ...host,
    alias: esmOfJsonc,
    entryPoints: { face: 'src/extension/face.ts' },
    outdir: 'dist',
    external: ['vscode'],
  },
  /** VS Code runs it when the extension was uninstalled. */
  uninstall: {
    ...node,
    format: 'cjs',
    alias: esmOfJsonc,
    entryPoints: { uninstall: 'src/cli/uninstall.ts' },
    outdir: 'dist',
  },
  runtime: {
    ...node,
    format: 'esm',
    alias: esmOfJsonc,
    splitting: true,
    entryPoints: { cli: 'src/cli/main.ts', guard: 'src/bridge/codex/guard.ts' },
    outdir: 'dist/runtime',
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    // node-pty brings a native binary; the others are optional accelerators that ws does without.
    external: ['node-pty', 'bufferutil', 'utf-8-validate'],
    // CommonJS dependencies (ws) call require for Node's own modules.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  },
  webview: {
    ...common,
    platform: 'browser',
    target: 'chrome138',
    format: 'iife',
    entryPoints: {
      chat: 'webview-ui/chat/main.tsx',
      panel: 'webview-ui/panel/main.tsx',
      terminal: 'webview-ui/terminal/main.ts',
    },
    outdir: 'dist/webview',
    loader: { '.ttf': 'file' },
  },
  'host tests': {
    ...host,
    minify: false,
    sourcemap: 'linked',
    entryPoints: { index: 'test/host/index.ts' },
    outdir: 'dist-test',
    external: ['vscode', 'mocha'],
  },
};

async function main() {
  copyNodePty();
  if (watch) {
    const progress = watchProgress(Object.keys(targets).length);
    for (const target of Object.values(targets)) {
      const context = await esbuild.context({ ...target, plugins: [...(target.plugins ?? []), progress] });
      await context.watch();
    }
    return;
  }
  const outputs = [];
  const inputs = [];
  for (const [name, target] of Object.entries(targets)) {
    const { metafile } = await esbuild.build(target);
    outputs.push(...Object.keys(metafile.outputs));
    if (name !== 'host tests') inputs.push(...Object.keys(metafile.inputs));
  }
  writeNotices(root, join(root, notices), inputs, ['node-pty', '@vscode/codicons']);
  outputs.push(notices);
  removeStale(new Set(outputs));
  reportSizes(outputs.filter((file) => !file.endsWith('.map')));
}

/**
 * The lines that .vscode/tasks.json waits for: `started` when the first of the builds begins, `finished` when
 * none is running, at the start not before each has been there once.
 */
function watchProgress(builds) {
  let running = 0;
  let toCome = builds;
  return {
    name: 'watch-progress',
    setup(build) {
      build.onStart(() => {
        if (running++ === 0) console.log('[watch] started');
      });
      build.onEnd(({ errors, warnings }) => {
        for (const [severity, list] of [
          ['error', errors],
          ['warning', warnings],
        ]) {
          for (const { text, location } of list) {
            console.log(`> ${location?.file}:${location?.line}:${location?.column}: ${severity}: ${text}`);
          }
        }
        running--;
        toCome = Math.max(0, toCome - 1);
        if (running === 0 && toCome === 0) console.log('[watch] finished');
      });
    },
  };
}

/** The parts of node-pty that run on this platform: no sources, tests, debug files or foreign binaries. */
function copyNodePty() {
  const from = join(root, 'node_modules/node-pty');
  const to = join(root, nodePty);
  const prebuild = `prebuilds/${process.platform}-${process.arch}`;
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  for (const file of ['package.json', 'LICENSE']) cpSync(join(from, file), join(to, file));
  cpSync(join(from, 'lib'), join(to, 'lib'), {
    recursive: true,
    filter: (file) => !/\.(test\.js|map)$/.test(file),
  });
  if (!existsSync(join(from, prebuild))) {
    console.log(
      `node-pty has no binary for ${process.platform}-${process.arch}: the terminal will be VS Code's`,
    );
    return;
  }
  cpSync(join(from, prebuild), join(to, prebuild), {
    recursive: true,
    filter: (file) => !file.endsWith('.pdb'),
  });
}

/**
 * What an earlier build left. After the build, not before: a running bridge may still want to load a chunk
 * that has not changed.
 */
function removeStale(outputs) {
  for (const folder of ['dist', 'dist-test'].filter((name) => existsSync(join(root, name)))) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      const file = relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/');
      if (!entry.isFile() || file.startsWith(nodePty) || outputs.has(file)) continue;
      rmSync(join(root, file));
    }
  }
}

function reportSizes(outputs) {
  const rows = outputs.map((file) => {
    const bytes = readFileSync(join(root, file));
    return { file, raw: bytes.length, gzip: gzipSync(bytes).length };
  });
  const width = Math.max(...rows.map(({ file }) => file.length), 20);
  const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`.padStart(10);
  console.log(`${'bundle'.padEnd(width)} ${'raw'.padStart(10)} ${'gzip'.padStart(10)}`);
  for (const { file, raw, gzip } of rows) console.log(`${file.padEnd(width)} ${kb(raw)} ${kb(gzip)}`);
  // The limits are about what ships: minified.
  if (!production) return;
  for (const { file, measure, bytes } of limits) {
    const row = rows.find((candidate) => candidate.file === file);
    if (row === undefined || row[measure] <= bytes) continue;
    console.error(`${file} is ${kb(row[measure]).trim()} (${measure}); its limit is ${kb(bytes).trim()}.`);
    process.exitCode = 1;
  }
}

main().catch((error) => {
  // esbuild has printed its own messages.
  if (error.errors === undefined) console.error(error);
  process.exitCode = 1;
});
