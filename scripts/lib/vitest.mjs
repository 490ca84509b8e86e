// Runs vitest projects and counts what they say.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { projectNodeFolder, root, toolEnvironment } from './paths.mjs';
import { run } from './run.mjs';

/**
 * @param {string} name of the suite, for the result file
 * @param {string[]} projects of vitest.config.mts
 * @param {{nodeFolder?: string, deadlineMs: number, without?: readonly string[]}} options the Node to run under: the
 *   project's own if absent; files that are left out
 * @returns {Promise<{passed: number, failed: number, problems: string[], again: string[]}>} `again`: what did
 *   not pass at the first try
 */
export async function runVitest(name, projects, options) {
  const folder = join(root, 'test-results');
  const report = join(folder, `${name.replaceAll(/\W+/g, '-')}.json`);
  mkdirSync(folder, { recursive: true });
  rmSync(report, { force: true });
  const nodeFolder = options.nodeFolder ?? projectNodeFolder;
  const { ok, reason } = await run(
    join(nodeFolder, process.platform === 'win32' ? 'node.exe' : 'node'),
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      ...projects.flatMap((project) => ['--project', project]),
      ...(options.without ?? []).flatMap((file) => ['--exclude', file]),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ],
    { env: toolEnvironment(nodeFolder), deadlineMs: options.deadlineMs },
  );
  return count(report, ok, reason);
}

/** A file that cannot be loaded, a skipped test and a run that did not end well count as failed, too. */
function count(report, ok, reason) {
  let data;
  try {
    data = JSON.parse(readFileSync(report, 'utf8'));
  } catch (error) {
    const problem = `no result was written (${reason || error.message})`;
    return { passed: 0, failed: 1, problems: [problem], again: [] };
  }
  let passed = 0;
  const problems = [];
  const again = [];
  for (const file of data.testResults) {
    const place = file.name.replace(`${root}/`, '');
    for (const test of file.assertionResults) {
      if (test.status !== 'passed') problems.push(`${place}: ${test.fullName} (${test.status})`);
      else {
        passed++;
        // Of the tries before.
        if (test.failureMessages.length > 0) again.push(`${place}: ${test.fullName}`);
      }
    }
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) {
      problems.push(`${place}: ${firstLine(file.message) || 'could not be run'}`);
    }
  }
  if (!ok && problems.length === 0) problems.push(`vitest was not content: ${reason}`);
  return { passed, failed: problems.length, problems, again };
}

function firstLine(text) {
  return (text ?? '').split('\n', 1)[0].trim();
}
