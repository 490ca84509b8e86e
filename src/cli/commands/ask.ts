import { realpathSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type BridgeConnection, connectBridge } from '../../client/connect.ts';
import { BridgeError } from '../../shared/errors.ts';
import type { NumberedEvent } from '../../shared/events.ts';
import { reduce } from '../../shared/reducer.ts';
import {
  hasEnded,
  MAX_PROMPT_LENGTH,
  type SessionSettings,
  type SessionSnapshot,
  type TurnId,
  type TurnSnapshot,
} from '../../shared/session.ts';
import { approvalPolicySchema, sandboxSchema } from '../../shared/settings.ts';
import { AskOutput } from '../askOutput.ts';
import { EXIT, UsageError } from '../exit.ts';
import { oneOf } from '../options.ts';
import { RUNTIME, VERSION } from '../version.ts';

/** Asks Codex through the bridge, which is started where none runs, and streams the answer. */
export async function ask(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      folder: { type: 'string' },
      session: { type: 'string' },
      model: { type: 'string' },
      effort: { type: 'string' },
      sandbox: { type: 'string' },
      'approval-policy': { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const prompt = await promptOf(positionals);
  checkLength(prompt);
  const settings = settingsOf(values);
  const folder = folderOf(values.folder ?? process.cwd());
  const connection = await connectBridge({
    kind: 'cli',
    canAnswer: process.stdin.isTTY === true && process.stderr.isTTY === true,
    version: VERSION,
    start: { runtime: RUNTIME },
  });
  try {
    const session = await openSession(connection, folder, values.session, settings);
    return await runTurn(connection, session, {
      prompt,
      settings,
      output: new AskOutput(values.json),
      isNew: values.session === undefined,
    });
  } finally {
    connection.dispose();
  }
}

async function openSession(
  { rpc }: BridgeConnection,
  path: string,
  id: string | undefined,
  settings: SessionSettings,
): Promise<SessionSnapshot> {
  const folder = await rpc.request('folder.add', { path });
  const session = id ?? (await rpc.request('session.create', { folder: folder.key, settings })).id;
  const snapshot = await rpc.request('session.open', { session });
  if (snapshot.folder === folder.key) return snapshot;
  throw new BridgeError(
    'SESSION_NOT_FOUND',
    `The session ${session} belongs to another folder. Name that one with --folder.`,
  );
}

interface Asked {
  readonly prompt: string;
  readonly settings: SessionSettings;
  readonly output: AskOutput;
  /** The session was made for this prompt. */
  readonly isNew: boolean;
}

async function runTurn(
  { rpc, onClose }: BridgeConnection,
  opened: SessionSnapshot,
  { prompt, settings, output, isNew }: Asked,
): Promise<number> {
  const ended = Promise.withResolvers<TurnSnapshot>();
  let session = opened;
  let turn: string | undefined;
  let early: NumberedEvent[] = [];
  const see = (numbered: NumberedEvent) => {
    session = reduce(session, numbered);
    const now = session.turns.find(({ id }) => id === turn);
    if (now === undefined) return;
    output.event(numbered, now, (approval, decision) =>
      rpc.request('approval.answer', { session: session.id, approval, decision }),
    );
    if (hasEnded(now.status)) ended.resolve(now);
  };
  rpc.on('session.event', ({ session: id, seq, event }) => {
    if (id !== session.id) return;
    // Events may come before the answer that tells which turn is ours.
    if (turn === undefined) early.push({ seq, event });
    else see({ seq, event });
  });
  const closing = onClose(() =>
    ended.reject(
      new BridgeError(
        'CONNECTION_CLOSED',
        'The bridge went away. "codex-bridge doctor" says why it may have.',
      ),
    ),
  );
  let interrupted = false;
  const interrupt = () => {
    if (interrupted) process.exit(EXIT.interrupted);
    interrupted = true;
    if (turn !== undefined) cancel(turn);
  };
  const cancel = (ours: TurnId) => {
    // An error here is of no use: the person wants to leave, and a second Ctrl+C does.
    void rpc
      .request('session.cancel', { session: session.id, turn: ours })
      .catch(() => process.exit(EXIT.interrupted));
  };
  const send = async () => {
    try {
      const params = { session: session.id, prompt, settings, source: { kind: 'cli' } } as const;
      return (await rpc.request('session.prompt', params)).turn;
    } catch (error) {
      // What was refused leaves no empty session behind. The refusal is what counts, not how this ends.
      if (isNew) await rpc.request('session.delete', { session: session.id }).catch(() => undefined);
      throw error;
    }
  };
  process.on('SIGINT', interrupt);
  try {
    turn = await send();
    if (interrupted) cancel(turn);
    output.started(session.id, turn);
    const waiting = early;
    early = [];
    for (const numbered of waiting) see(numbered);
    const last = await ended.promise;
    output.ended(session.id, last);
    if (interrupted) return EXIT.interrupted;
    return last.status === 'completed' ? EXIT.done : EXIT.failed;
  } finally {
    process.off('SIGINT', interrupt);
    closing.dispose();
  }
}

async function promptOf(positionals: readonly string[]): Promise<string> {
  if (positionals.length !== 1) {
    throw new UsageError(
      positionals.length === 0 ? 'A prompt is missing.' : 'Give the prompt as one argument, in quotes.',
    );
  }
  const [prompt = ''] = positionals;
  return prompt === '-' ? readPrompt(process.stdin) : prompt;
}

/** Reads no more than what is already too much. */
async function readPrompt(input: NodeJS.ReadStream): Promise<string> {
  let prompt = '';
  for await (const text of input.setEncoding('utf8')) {
    prompt += text;
    if (prompt.length > MAX_PROMPT_LENGTH) break;
  }
  return prompt;
}

/** Known before anything is started or sent. @throws BridgeError `PROMPT_EMPTY`, `PROMPT_TOO_LARGE` */
function checkLength(prompt: string): void {
  if (prompt.trim() === '')
    throw new BridgeError('PROMPT_EMPTY', 'The prompt is empty. Say what Codex should do.');
  if (prompt.length <= MAX_PROMPT_LENGTH) return;
  throw new BridgeError(
    'PROMPT_TOO_LARGE',
    `The prompt has more than ${MAX_PROMPT_LENGTH} characters. Put the material into files of the folder and name them.`,
  );
}

function settingsOf(values: {
  model?: string;
  effort?: string;
  sandbox?: string;
  'approval-policy'?: string;
}): SessionSettings {
  return {
    ...(values.model === undefined ? {} : { model: values.model }),
    ...(values.effort === undefined ? {} : { effort: values.effort }),
    ...(values.sandbox === undefined
      ? {}
      : { sandbox: oneOf('--sandbox', values.sandbox, sandboxSchema.def.entries) }),
    ...(values['approval-policy'] === undefined
      ? {}
      : {
          approvalPolicy: oneOf(
            '--approval-policy',
            values['approval-policy'],
            approvalPolicySchema.def.entries,
          ),
        }),
  };
}

function folderOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw new BridgeError('FOLDER_NOT_FOUND', `The folder ${path} is not there or can't be read.`, {
      cause: error,
    });
  }
}
