// The suites of `npm test`, in their order.
import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isTemporary } from '../../src/bridge/folders/containment.ts';
import { ensureNode22 } from './cache.mjs';
import { staticChecks } from './checks.mjs';
import { ensureClientTools } from './clientTools.mjs';
import { root } from './paths.mjs';
import { run } from './run.mjs';
import { runVitest } from './vitest.mjs';

const MINUTE = 60_000;
/** The whole run ends before this; what is left then counts as failed. */
const DEADLINE = 43 * MINUTE;

/** A call of Claude Code's beyond two minutes; what it goes through has its own tests, on both. */
const NODE_24_ONLY = ['test/clients/claudeCode.test.ts'];

const IN_TEMPORARY =
  "This clone is below a temporary directory. Codex's sandbox lets commands write there, and Codex says on every start that it does not like its home there: tests of both fail. Clone elsewhere.";

/** Name → how many minutes it may take, and what it does. */
const suites = {
  check: [6, checkSuite],
  codex: [8, (name, deadlineMs) => runVitest(name, ['codex'], { deadlineMs })],
  clients: [8, clientsSuite],
  soak: [5, soakSuite],
  node22: [12, node22Suite],
  package: [5, (_name, deadlineMs) => commands([['the .vsix', 'node', ['scripts/package.mjs']]], deadlineMs)],
  e2e: [20, e2eSuite],
};

/**
 * @param {string[]} only names of suites; all where empty
 * @returns {Promise<{passed: number, failed: number}>}
 */
export async function runSuites(only) {
  const unknown = only.filter((name) => !(name in suites));
  if (unknown.length > 0) {
    console.error(`No such suite: ${unknown.join(', ')}. There are: ${Object.keys(suites).join(', ')}.`);
    return { passed: 0, failed: unknown.length };
  }
  const started = Date.now();
  const results = [];
  const builds = [
    ['types of the app-server protocol', 'node', ['scripts/generate.mjs']],
    ['build', 'node', ['esbuild.js']],
  ];
  results.push(await one('build', () => commands(builds, 3 * MINUTE)));
  for (const [name, [minutes, suite]] of Object.entries(suites)) {
    if (only.length > 0 && !only.includes(name)) continue;
    const left = DEADLINE - (Date.now() - started);
    results.push(
      await one(name, () =>
        left < MINUTE
          ? { passed: 0, failed: 1, problems: ['no time was left for it'] }
          : suite(name, Math.min(minutes * MINUTE, left)),
      ),
    );
  }
  return summary(results);
}

/** One suite; whatever it throws is a failure that is told. */
async function one(name, suite) {
  console.log(`\n=== ${name}`);
  const started = Date.now();
  const result = await Promise.resolve()
    .then(suite)
    .catch((error) => ({ passed: 0, failed: 1, problems: [error.message] }));
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  return { name, seconds, ...result };
}

/** Each command is one check. */
async function commands(list, deadlineMs) {
  const result = { passed: 0, failed: 0, problems: [] };
  for (const [name, command, args] of list) {
    console.log(`\n— ${name}`);
    const { ok, reason } = await run(command, args, { deadlineMs });
    if (ok) result.passed++;
    else {
      result.failed++;
      result.problems.push(`${name}: ${reason}`);
    }
  }
  return result;
}

async function checkSuite(_name, deadlineMs) {
  const first = await commands(staticChecks, deadlineMs);
  return add(first, await runVitest('unit', ['unit'], { deadlineMs }));
}

/** The real clients first: no test's own deadline allows for their installation. */
async function clientsSuite(name, deadlineMs) {
  await ensureClientTools();
  return runVitest(name, ['clients'], { deadlineMs });
}

/** What ships runs on Node 22: the bridge and the history again, under it. */
async function node22Suite(name, deadlineMs) {
  const nodeFolder = await ensureNode22();
  await ensureClientTools();
  return runVitest(name, ['unit', 'codex', 'clients'], { nodeFolder, deadlineMs, without: NODE_24_ONLY });
}

/** Two minutes of it, always with the same seed. Each thing that the oracle knows is one check. */
async function soakSuite(name, deadlineMs) {
  const report = join(root, 'test-results/soak.json');
  rmSync(report, { force: true });
  const { reason } = await run('node', ['scripts/soak.mjs', '--minutes', '2', '--seed', 'ci'], {
    deadlineMs,
  });
  if (!existsSync(report)) return { passed: 0, failed: 1, problems: [`${name}: ${reason}`] };
  const { checks } = JSON.parse(readFileSync(report, 'utf8'));
  const broken = checks.filter(({ problems }) => problems.length > 0);
  return {
    passed: checks.length - broken.length,
    failed: broken.length,
    problems: broken.map((check) => `${check.name}: ${check.problems[0]} (${check.problems.length})`),
  };
}

/** The installation comes first: no test's own deadline allows for it. */
async function e2eSuite(name, deadlineMs) {
  const first = await commands([['VS Code and Chromium', 'node', ['scripts/vscode.mjs']]], deadlineMs);
  return add(first, await runVitest(name, ['e2e'], { deadlineMs }));
}

function add(a, b) {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    problems: [...a.problems, ...b.problems],
    again: [...(a.again ?? []), ...(b.again ?? [])],
  };
}

function summary(results) {
  console.log('\n=== result');
  for (const { name, seconds, passed, failed, problems, again = [] } of results) {
    console.log(`${name.padEnd(10)} ${passed} passed, ${failed} failed (${seconds} s)`);
    for (const problem of problems) console.log(`  failed: ${problem}`);
    for (const test of again) console.log(`  passed, but not at the first try: ${test}`);
  }
  if (isTemporary(realpathSync(root))) console.log(`\n${IN_TEMPORARY}`);
  console.log('');
  return results.reduce(add, { passed: 0, failed: 0, problems: [] });
}
