/**
 * Records what the real Codex tells about turns of a scripted model, for the replay in
 * `test/unit/events-replay.test.ts`. Run by hand when the pinned Codex changes:
 *
 *     node test/support/recordEvents.ts [name…]
 *
 * It writes `test/unit/fixtures/codex/<name>.json`: the notifications and requests of one turn, in order, with
 * paths, ids and times made the same in every run.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { codexBinary, makeCodexHome, tempDir } from './codexHome.ts';
import {
  call,
  command,
  cut,
  fail,
  patch,
  reasoning,
  type Script,
  ScriptedModel,
  stall,
  text,
  usage,
  words,
} from './scriptedModel.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Scenario {
  readonly script: Script;
  readonly approvalPolicy?: string;
  /** Settings of Codex's for the thread. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Files that are there before. */
  readonly files?: Readonly<Record<string, string>>;
  /** The answer to Codex's requests. */
  readonly decision?: string;
  /** Interrupts when this notification comes. */
  readonly interruptAt?: string;
  /** Steers the turn when this notification comes. */
  readonly steerAt?: string;
}

type Line = {
  id?: string | number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
};

/** Tools first, then the answer. */
function then(first: readonly ReturnType<typeof text>[], last: string): Script {
  return (request) => (request.outputs.length === 0 ? first : [text(last)]);
}

const EXISTING = {
  'change.txt': 'one\ntwo\nthree\n',
  'gone.txt': 'going\n',
  'old-name.txt': 'kept\nchanged\n',
  'over.txt': 'old content\n',
};

const PATCH = `*** Add File: src/new.txt
+first
+second
*** Update File: change.txt
@@
 one
-two
+TWO
+two and a half
 three
*** Delete File: gone.txt
*** Update File: old-name.txt
*** Move to: new-name.txt
@@
 kept
-changed
+CHANGED`;

/** A PNG of one pixel, base64. */
const DOT =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  answer: { script: () => [words('Hello from the model.'), usage({ input: 120, cached: 30, output: 7 })] },
  reasoning: {
    script: () => [reasoning('**First**\n\nthought', '**Second**\n\nthought'), text('Thought about it.')],
  },
  command: {
    script: then([text('I will look.'), command("printf 'one\\ntwo\\n'; exit 3")], 'It printed two lines.'),
  },
  commandApproval: {
    approvalPolicy: 'untrusted',
    script: then([command('touch made.txt')], 'Made it.'),
    decision: 'accept',
  },
  commandDeclined: {
    approvalPolicy: 'untrusted',
    script: then([command('touch made.txt')], 'You said no.'),
    decision: 'decline',
  },
  slowCommand: {
    script: then([command('printf one; sleep 0.4; printf two')], 'It printed twice.'),
  },
  patch: { files: EXISTING, script: then([patch(PATCH)], 'Changed four files.') },
  patchOver: { files: EXISTING, script: then([patch('*** Add File: over.txt\n+new content')], 'Written.') },
  patchApproval: {
    approvalPolicy: 'untrusted',
    files: EXISTING,
    script: then([patch(PATCH)], 'Changed four files.'),
    decision: 'accept',
  },
  patchDeclined: {
    approvalPolicy: 'untrusted',
    files: EXISTING,
    script: then([patch(PATCH)], 'You said no.'),
    decision: 'decline',
  },
  plan: {
    config: { 'tools.update_plan.enabled': true },
    script: then(
      [
        call('update_plan', {
          explanation: 'How I go about it',
          plan: [
            { step: 'Look', status: 'completed' },
            { step: 'Change', status: 'in_progress' },
            { step: 'Test', status: 'pending' },
          ],
        }),
      ],
      'Planned.',
    ),
  },
  image: {
    files: { 'dot.png': DOT },
    script: then([call('view_image', { path: 'dot.png' })], 'A dot.'),
  },
  steered: {
    script: (request) =>
      request.prompts.length > 1 ? [text('Both, then.')] : [text('Wait.'), command('sleep 1')],
    steerAt: 'item/commandExecution/outputDelta,item/started:commandExecution',
  },
  interrupted: { script: () => [words(['I begin, ']), stall()], interruptAt: 'item/agentMessage/delta' },
  modelError: { script: () => [fail(400, 'the model says no')] },
  unauthorized: { script: () => [fail(401, 'no token')] },
  rateLimit: { script: () => [fail(429, 'slow down')] },
  cut: { script: () => [words(['I begin, ', 'and ']), cut()] },
  overloaded: { script: () => [fail(503, 'too busy')] },
};

async function record(name: string, scenario: Scenario): Promise<void> {
  const model = await ScriptedModel.start();
  model.script(scenario.script);
  const home = await makeCodexHome({ modelUrl: model.url });
  const folder = await tempDir('rec');
  for (const [file, content] of Object.entries(scenario.files ?? {})) {
    await writeFile(join(folder.path, file), content, file.endsWith('.png') ? 'base64' : 'utf8');
  }
  const child = spawn(codexBinary(), ['app-server'], { cwd: folder.path, env: home.env });
  child.stderr.resume();
  const recorded: unknown[] = [];
  let nextId = 1;
  let recording = false;
  let thread = '';
  let acted = false;
  const replies = new Map<number, (line: Line) => void>();
  const ended = Promise.withResolvers<void>();
  const send = (message: object) => child.stdin.write(`${JSON.stringify(message)}\n`);
  const request = async (method: string, params: object): Promise<Record<string, unknown>> => {
    const id = nextId++;
    const reply = Promise.withResolvers<Line>();
    replies.set(id, reply.resolve);
    send({ id, method, params });
    const line = await reply.promise;
    if (line.result === undefined) throw new Error(`${name}: ${method}: ${JSON.stringify(line)}`);
    return line.result;
  };
  createInterface({ input: child.stdout }).on('line', (raw) => {
    const line = JSON.parse(raw) as Line; // Codex's own JSON
    if (line.method === undefined) {
      replies.get(Number(line.id))?.(line);
      return;
    }
    if (recording && line.method !== 'thread/started') recorded.push(line);
    if (line.id !== undefined) send({ id: line.id, result: { decision: scenario.decision ?? 'decline' } });
    const item = line.params?.['item'] as { type?: string } | undefined; // of item notifications only
    const turn = String(line.params?.['turnId']);
    const seen = [line.method, `${line.method}:${item?.type}`];
    if (!acted && scenario.interruptAt?.split(',').some((at) => seen.includes(at))) {
      acted = true;
      void request('turn/interrupt', { threadId: thread, turnId: turn });
    }
    if (!acted && scenario.steerAt?.split(',').some((at) => seen.includes(at))) {
      acted = true;
      const input = [{ type: 'text', text: 'And this too', text_elements: [] }];
      void request('turn/steer', { threadId: thread, input, expectedTurnId: turn });
    }
    if (line.method === 'turn/completed') ended.resolve();
  });
  await request('initialize', {
    clientInfo: { name: 'codex-bridge', title: null, version: '0' },
    capabilities: { experimentalApi: true, requestAttestation: false },
  });
  send({ method: 'initialized' });
  const started = await request('thread/start', {
    cwd: folder.path,
    sandbox: 'read-only',
    config: scenario.config ?? {},
  });
  thread = (started['thread'] as { id: string }).id;
  recording = true;
  await request('turn/start', {
    threadId: thread,
    clientUserMessageId: 't_test',
    input: [{ type: 'text', text: `Prompt of ${name}`, text_elements: [] }],
    approvalPolicy: scenario.approvalPolicy ?? 'never',
    sandboxPolicy: {
      type: 'workspaceWrite',
      writableRoots: [],
      networkAccess: false,
      excludeTmpdirEnvVar: true,
      excludeSlashTmp: true,
    },
    summary: 'detailed',
  });
  await ended.promise;
  child.kill('SIGKILL');
  await once(child, 'exit');
  const directory = fileURLToPath(new URL('../unit/fixtures/codex/', import.meta.url));
  await mkdir(directory, { recursive: true });
  const lines = recorded.map((line) => `  ${normalise(line, folder.path, home.home)}`);
  await writeFile(join(directory, `${name}.json`), `[\n${lines.join(',\n')}\n]\n`);
  console.log(`${name}: ${recorded.length} messages`);
  await model.close();
  await folder.dispose();
  await home.dispose();
  await rm(home.home, { recursive: true, force: true });
}

const ids = new Map<string, string>();

function normalise(line: unknown, folder: string, home: string): string {
  return (
    JSON.stringify(line, (key, value: unknown) => {
      if (key === 'emittedAtMs') return undefined;
      if (typeof value === 'number' && /AtMs$|^durationMs$|^startedAt$|^completedAt$/.test(key)) return 1000;
      if (key === 'processId' && value !== null) return '1';
      return value;
    })
      .replaceAll(folder, '/repo/sub')
      .replaceAll(home, '/home/codex')
      // The folder lies in this repository; Codex's turn diffs name paths from the repository's root.
      .replaceAll(relative(root, folder), 'sub')
      .replace(/http:\/\/127\.0\.0\.1:\d+/g, 'http://127.0.0.1:1')
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (uuid) => {
        const known = ids.get(uuid) ?? `id-${ids.size + 1}`;
        ids.set(uuid, known);
        return known;
      })
  );
}

const wanted = process.argv.slice(2);
for (const [name, scenario] of Object.entries(SCENARIOS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  ids.clear();
  await record(name, scenario);
}
