import * as z from 'zod';
import { BridgeError } from '../../../shared/errors.ts';
import { answerOf, type SessionSnapshot, type TurnSnapshot } from '../../../shared/session.ts';
import { resolveFolder, resolveSession } from '../access.ts';
import { cursor, folder, sessionId } from '../arguments.ts';
import type { ToolCall, ToolResult } from '../call.ts';
import { ABOUT, marked } from '../marked.ts';
import { pageOf } from '../paging.ts';
import { errorSchema } from '../result.ts';
import { sessionSummarySchema, summarize } from '../summaries.ts';
import { defineTool } from '../tool.ts';

const PAGE = 25;

const input = z.strictObject({
  action: z
    .enum(['list', 'search', 'read', 'export', 'import', 'delete', 'rename', 'fork', 'archive', 'unarchive'])
    .describe('read, export, delete, rename, fork, archive and unarchive need session'),
  folder,
  session: sessionId.optional(),
  query: z.string().min(1).max(1000).optional().describe('For search: words in titles, prompts and answers'),
  archived: z.boolean().optional().describe('For list and search: the archived ones'),
  limit: z.int().min(1).max(100).optional(),
  format: z
    .enum(['json', 'markdown'])
    .optional()
    .describe('For export; json is complete and can be imported'),
  data: z.string().optional().describe('For import: an export in json'),
  title: z.string().min(1).max(500).optional().describe('For rename'),
  cursor,
});

type Arguments = z.output<typeof input>;

export const history = defineTool({
  name: 'history',
  title: 'Sessions of Codex',
  description:
    'Sessions that were: list, search, read the conversation, export, import, delete, rename, fork, archive. Long ones come in pages: pass the cursor.',
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  input,
  output: z.object({
    text: z.string().optional().describe('The conversation or export, one page of it'),
    sessions: z.array(sessionSummarySchema).optional(),
    session: z.string().optional(),
    imported: z.array(z.string()).optional(),
    done: z.string().optional(),
    cursor: z.string().optional(),
    about: z.string().optional(),
    error: errorSchema.optional(),
  }),
  onlyOnce(args) {
    const { data } = input.safeParse(args);
    return data !== undefined && ['import', 'fork', 'delete'].includes(data.action);
  },
  async run(args, call) {
    switch (args.action) {
      case 'list':
      case 'search':
        return list(args, call);
      case 'import':
        return importSessions(args, call);
      case 'read':
      case 'export':
        return read(args, call);
      default:
        return change(args, args.action, call);
    }
  },
});

async function list(args: Arguments, call: ToolCall): Promise<ToolResult> {
  if (args.action === 'search' && args.query === undefined) throw missing('query', 'search');
  const home = await resolveFolder(call, args.folder);
  const page = home.list({
    limit: args.limit ?? PAGE,
    ...(args.query === undefined ? {} : { query: args.query }),
    ...(args.archived === undefined ? {} : { archived: args.archived }),
    ...(args.cursor === undefined ? {} : { cursor: args.cursor }),
  });
  const sessions = page.sessions.map((session) => summarize(session, call.bridge.settings));
  const lines = sessions.map(
    (one) => `${one.session} "${one.title}": ${one.state}, ${one.turns} turns, ${one.updated_at}`,
  );
  if (sessions.length === 0) lines.push(args.query === undefined ? 'No sessions.' : 'Nothing was found.');
  if (page.cursor !== undefined) lines.push(`More with cursor ${page.cursor}`);
  return {
    structured: { sessions, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) },
    text: lines.join('\n'),
  };
}

async function read(args: Arguments, call: ToolCall): Promise<ToolResult> {
  const { home, session } = await sessionOf(args, call);
  const whole =
    args.action === 'read'
      ? conversation(session.snapshot)
      : home.exportSession(session.id, args.format ?? 'json');
  const page = pageOf(whole, `${args.action}:${session.id}`, args.cursor);
  const next = page.cursor === undefined ? {} : { cursor: page.cursor };
  return {
    structured: { text: page.text, session: session.id, ...next, about: ABOUT },
    text: [marked(page.text), ...(page.cursor === undefined ? [] : [`More with cursor ${page.cursor}`])].join(
      '\n\n',
    ),
  };
}

async function importSessions(args: Arguments, call: ToolCall): Promise<ToolResult> {
  if (args.data === undefined) throw missing('data', 'import');
  const home = await resolveFolder(call, args.folder);
  const imported = home.importSessions(args.data);
  return { structured: { imported }, text: `Imported: ${imported.join(', ')}` };
}

async function change(
  args: Arguments,
  action: 'delete' | 'rename' | 'fork' | 'archive' | 'unarchive',
  call: ToolCall,
): Promise<ToolResult> {
  const { home, session } = await sessionOf(args, call);
  switch (action) {
    case 'delete':
      await home.deleteSession(session.id);
      return done(session.id, 'deleted');
    case 'rename':
      if (args.title === undefined) throw missing('title', 'rename');
      await session.rename(args.title);
      return done(session.id, 'renamed');
    case 'fork': {
      const fork = await home.fork(session.id);
      return done(fork.id, `forked from ${session.id}`);
    }
    case 'archive':
    case 'unarchive':
      await session.archive(action === 'archive');
      return done(session.id, `${action}d`);
  }
}

async function sessionOf(args: Arguments, call: ToolCall) {
  if (args.session === undefined) throw missing('session', args.action);
  const { folder: home, session } = await resolveSession(call, args.session, args.folder);
  return { home, session };
}

function done(session: string, what: string): ToolResult {
  return { structured: { session, done: what }, text: `Session ${session}: ${what}.` };
}

function missing(argument: string, action: string): BridgeError {
  return new BridgeError('INVALID_INPUT', `The action "${action}" needs "${argument}".`);
}

/** The conversation to read: who asked what, and what came of it. The export has every item. */
function conversation(session: SessionSnapshot): string {
  return [`# ${session.title}`, ...session.turns.map(turnText)].join('\n\n');
}

function turnText(turn: TurnSnapshot): string {
  const who = turn.source.name ?? turn.source.kind;
  const parts = [`## ${who} (${turn.held === true ? 'held' : turn.status}, turn ${turn.id})`, turn.prompt];
  const attached = turn.attachments.map((attachment) => attachment.label);
  if (attached.length > 0) parts.push(`Attached: ${attached.join(', ')}`);
  const answer = answerOf(turn);
  if (answer !== '') parts.push('### Codex', answer);
  if (turn.error !== undefined) parts.push(`Error ${turn.error.code}: ${turn.error.message}`);
  return parts.join('\n\n');
}
