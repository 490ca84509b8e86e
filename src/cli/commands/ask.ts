import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type BridgeConnection, connectBridge } from '../../client/connect.ts';
import { BridgeError } from '../../shared/errors.ts';
import type { NumberedEvent } from '../../shared/events.ts';
import { reduce } from '../../shared/reducer.ts';
import {
  hasEnded,
  type SessionSettings,
  type SessionSnapshot,
  type TurnSnapshot,
} from '../../shared/session.ts';
import { approvalPolicySchema, sandboxSchema } from '../../shared/settings.ts';
import { AskOutput } from '../askOutput.ts';
import { EXIT, UsageError } from '../exit.ts';
import { oneOf } from '../options.ts';
import { VERSION } from '../version.ts';

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
  const settings = settingsOf(values);
  const folder = folderOf(values.folder ?? process.cwd());
  const connection = await connectBridge({
    kind: 'cli',
    canAnswer: process.stdin.isTTY === true && process.stderr.isTTY === true,
    version: VERSION,
    start: { runtime: dirname(fileURLToPath(import.meta.url)) },
  });
  try {
    const session = await openSession(connection, folder, values.session, settings);
    return await runTurn(connection, session, prompt, settings, new AskOutput(values.json));
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

async function runTurn(
  { rpc, onClose }: BridgeConnection,
  opened: SessionSnapshot,
  prompt: string,
  settings: SessionSettings,
  output: AskOutput,
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
    // An error here is of no use: the person wants to leave, and a second Ctrl+C does.
    void rpc
      .request('session.cancel', { session: session.id, ...(turn === undefined ? {} : { turn }) })
      .catch(() => process.exit(EXIT.interrupted));
  };
  process.on('SIGINT', interrupt);
  try {
    turn = (
      await rpc.request('session.prompt', { session: session.id, prompt, settings, source: { kind: 'cli' } })
    ).turn;
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
  return prompt === '-' ? text(process.stdin) : prompt;
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
