// Runs the measurements of test/bench one after the other and writes down what they gave.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, type as systemType, totalmem } from 'node:os';
import { join } from 'node:path';
import { activation } from '../../test/bench/activation.ts';
import { attach } from '../../test/bench/attach.ts';
import { Bench } from '../../test/bench/bench.ts';
import { changes } from '../../test/bench/changes.ts';
import { coldStart } from '../../test/bench/coldStart.ts';
import { door } from '../../test/bench/door.ts';
import { holds } from '../../test/bench/figure.ts';
import { firstText } from '../../test/bench/firstText.ts';
import { history } from '../../test/bench/history.ts';
import { longSession } from '../../test/bench/longSession.ts';
import { manySessions } from '../../test/bench/manySessions.ts';
import { recovery } from '../../test/bench/recovery.ts';
import { terminal } from '../../test/bench/terminal.ts';
import { warmTurn } from '../../test/bench/warmTurn.ts';
import { webview } from '../../test/bench/webview.ts';
import { ensurePackages } from './cache.mjs';
import { projectNode, root } from './paths.mjs';
import { run } from './run.mjs';

const PEERS = ['codex-mcp-server@1.4.10', '@trishchuk/codex-mcp-tool@2.5.0'];

const measurements = {
  warm: async (bench) => {
    const peers = await ensurePackages('bench-peers-1', PEERS);
    return warmTurn(bench, join(peers, 'node_modules'));
  },
  first: firstText,
  many: manySessions,
  long: longSession,
  cold: coldStart,
  history,
  attach,
  vscode: activation,
  chat: webview,
  changes,
  terminal,
  recovery,
  door,
};

/**
 * @param {string[]} only names of measurements; all where empty
 * @returns {Promise<number>} exit status: 1 where a figure does not hold or could not be measured
 */
export async function runBench(only) {
  const unknown = only.filter((name) => !(name in measurements));
  if (unknown.length > 0) {
    console.error(`No such measurement: ${unknown}. There are: ${Object.keys(measurements).join(', ')}.`);
    return 2;
  }
  for (const script of [['scripts/generate.mjs'], ['esbuild.js', '--production']]) {
    const { ok, reason } = await run(projectNode, script);
    if (!ok) throw new Error(`the build failed: ${reason}`);
  }
  const figures = [];
  const problems = [];
  for (const [name, measure] of Object.entries(measurements)) {
    if (only.length > 0 && !only.includes(name)) continue;
    console.log(`measuring: ${name} …`);
    const bench = await Bench.open();
    try {
      figures.push(...(await measure(bench)));
    } catch (error) {
      problems.push(`${name}: ${error.message}`);
    } finally {
      await bench.close();
    }
  }
  const report = { date: new Date().toISOString(), machine: machine(), figures, problems };
  mkdirSync(join(root, 'test-results'), { recursive: true });
  writeFileSync(join(root, 'test-results/bench.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  console.log(`\n${table(figures)}\n`);
  console.log(JSON.stringify(report));
  for (const problem of problems) console.error(`could not be measured: ${problem}`);
  if (only.length === 0 && problems.length === 0) {
    writeFileSync(join(root, 'docs/benchmarks.md'), page(report));
  }
  return problems.length === 0 && figures.every(holds) ? 0 : 1;
}

function machine() {
  const processors = cpus();
  const version = (name) =>
    JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
  return {
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGB: Math.round(totalmem() / 1024 ** 3),
    system: `${systemType()} ${release().split('-')[0]} ${process.arch}`,
    node: process.versions.node,
    codex: version('@openai/codex'),
  };
}

function table(figures) {
  const rows = figures.map((figure) => [
    figure.group,
    figure.name,
    `${round(figure.value)} ${figure.unit}`,
    limitOf(figure),
    figure.note ?? '',
  ]);
  const head = ['', 'figure', 'measured', 'to reach', 'how'];
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at].length), 3));
  const line = (cells) => `| ${cells.map((cell, at) => cell.padEnd(widths[at])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function limitOf(figure) {
  const limit =
    figure.most === undefined
      ? figure.least === undefined
        ? undefined
        : `at least ${figure.least}`
      : `at most ${figure.most}`;
  if (limit === undefined) return '';
  return `${limit} ${figure.unit}: ${holds(figure) ? 'reached' : 'MISSED'}`;
}

function round(value) {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function page({ date, machine: m, figures }) {
  return `# Benchmarks

Written by \`npm run bench\` on ${date.slice(0, 10)}: ${m.processor}, ${m.cores} cores, ${m.memoryGB} GB, ${m.system}, Node ${m.node}, Codex ${m.codex}.

The model is a scripted endpoint on the same machine that answers at once, so that the figures show what is between the client and the model. Raw is \`codex app-server\`; the peers are MCP servers that start \`codex exec\` for each call. The least client there can be asks each of them, and they take turns in one run.

${table(figures)}
`;
}
