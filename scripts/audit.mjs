// For maintainers, beside `npm test`: known vulnerabilities and the registry's signatures.
//   npm run audit
// Exit status: 0 nothing found, 1 something found, 2 a question was not answered. Not every registry answers.
import { spawnSync } from 'node:child_process';
import { ensureInstalled } from './lib/install.mjs';
import { root } from './lib/paths.mjs';

ensureInstalled();

const DEADLINE_MS = 120_000;

const questions = [
  ['vulnerabilities in what ships', ['audit', '--omit=dev']],
  ['vulnerabilities in what it is built and tested with', ['audit']],
  ['signatures of the registry', ['audit', 'signatures']],
];

let found = 0;
let unanswered = 0;
for (const [name, args] of questions) {
  const answer = ask(args);
  if (answer.why !== undefined) {
    unanswered++;
    console.log(`NOT ANSWERED  ${name}: ${answer.why}`);
    console.log('              Ask a registry that answers it: npm run audit --registry=URL');
  } else if (answer.findings.length > 0) {
    found++;
    console.log(`FOUND         ${name}:\n                ${answer.findings.join('\n                ')}`);
  } else {
    console.log(`ok            ${name}: nothing found`);
  }
}
process.exitCode = found > 0 ? 1 : unanswered > 0 ? 2 : 0;

/** @returns {{findings: string[], why?: string}} `why`: there was no answer */
function ask(args) {
  const { stdout, stderr, error } = spawnSync('npm', [...args, '--json', '--fetch-retries=1'], {
    cwd: root,
    encoding: 'utf8',
    timeout: DEADLINE_MS,
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
  });
  const said = parse(stdout);
  if (error !== undefined || said === undefined)
    return { findings: [], why: error?.message ?? lastLine(stderr) };
  // npm puts a registry's refusal at the top, and its own failures into "error".
  const why = said.error?.summary || (said.statusCode === undefined ? said.error?.code : said.message);
  if (why !== undefined) return { findings: [], why };
  if (said.vulnerabilities !== undefined) {
    const all = Object.values(said.vulnerabilities);
    return { findings: all.map(({ name, severity, range }) => `${name} ${range}: ${severity}`) };
  }
  const { invalid, missing } = said;
  if (invalid === undefined || missing === undefined) return { findings: [], why: lastLine(stderr) };
  const bad = (list, what) => list.map(({ name, version }) => `${name} ${version}: ${what}`);
  return { findings: [...bad(invalid, 'invalid signature'), ...bad(missing, 'no signature')] };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    // Told as "not answered", with what npm wrote beside it.
    return undefined;
  }
}

function lastLine(text) {
  return text.trim().split('\n').at(-1) || 'npm said nothing';
}
