import type {
  ApprovalDecision,
  FileChange,
  Item,
  SessionSnapshot,
  TokenUsage,
  TurnSnapshot,
  TurnSource,
} from '../../shared/session.ts';

/** CommonMark 0.31, section 2.1: a lone carriage return ends a line too. */
const LINE_BREAK = /\r\n|\n|\r/;

/** A session to read, not to import: Markdown, every foreign text in it quoted or fenced. */
export function toMarkdown(session: SessionSnapshot): string {
  const blocks = [
    `# ${inline(session.title) || 'Untitled session'}`,
    [
      `Session ${code(session.id)}, created ${timeOf(session.createdAt)}, last used ${timeOf(session.updatedAt)}`,
      ...settingsOf(session),
      `${session.turns.length} ${session.turns.length === 1 ? 'turn' : 'turns'}, ${tokensOf(session.usage)}`,
    ]
      .map((line) => `- ${line}`)
      .join('\n'),
    ...session.turns.flatMap(turnBlocks),
  ];
  return `${blocks.join('\n\n')}\n`;
}

/** A fence that no run of backticks inside can close (CommonMark 0.31, section 4.5). */
export function fenced(text: string, info = ''): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${info}\n${text.replace(/\n$/, '')}\n${fence}`;
}

function settingsOf({ settings }: SessionSnapshot): string[] {
  const parts = [
    ...(settings.model === undefined ? [] : [`model ${code(settings.model)}`]),
    ...(settings.effort === undefined ? [] : [`effort ${code(settings.effort)}`]),
    ...(settings.sandbox === undefined ? [] : [`sandbox ${code(settings.sandbox)}`]),
    ...(settings.approvalPolicy === undefined ? [] : [`approval policy ${code(settings.approvalPolicy)}`]),
  ];
  return parts.length === 0 ? [] : [`Settings: ${parts.join(', ')}`];
}

const SOURCES: Readonly<Record<TurnSource['kind'], string>> = {
  window: 'VS Code',
  palette: 'VS Code, by command',
  mcp: 'MCP',
  cli: 'Command line',
  terminal: 'Terminal',
};

function turnBlocks(turn: TurnSnapshot, index: number): string[] {
  const { source } = turn;
  const from = SOURCES[source.kind];
  const who = source.name === undefined ? from : `${from} (${inline(source.name)})`;
  const attachments = turn.attachments.map(({ kind, label }) => `- Attached ${kind}: ${code(label)}`);
  return [
    `## ${index + 1}. ${who}, ${timeOf(turn.createdAt)}`,
    quoted(turn.prompt),
    ...(attachments.length === 0 ? [] : [attachments.join('\n')]),
    ...turn.notices.map((notice) => `**Note** (${notice.kind}): ${inline(notice.text)}`),
    ...(turn.plan.length === 0 ? [] : [planOf(turn)]),
    // Codex may repeat the turn's own prompt as an item; other messages were added while it ran.
    ...turn.items
      .filter((item) => item.type !== 'user_message' || item.text !== turn.prompt)
      .flatMap(itemBlocks),
    ...(turn.error === undefined
      ? []
      : [`**Error** ${code(turn.error.code)}: ${inline(turn.error.message)}`]),
    `*${endOf(turn)}*`,
  ];
}

function planOf(turn: TurnSnapshot): string {
  const marks = { pending: '[ ]', in_progress: '[ ] (in progress)', completed: '[x]' };
  return turn.plan.map(({ step, status }) => `- ${marks[status]} ${inline(step)}`).join('\n');
}

function itemBlocks(item: Item): string[] {
  switch (item.type) {
    case 'user_message':
      return item.text === '' ? [] : [quoted(item.text, 'Added: ')];
    case 'agent_message':
      // Codex writes Markdown: it is the answer itself and stays as it is.
      return item.text === '' ? [] : [closed(item.text)];
    case 'plan':
    case 'review':
      return item.text === '' ? [] : [closed(item.text)];
    case 'reasoning':
      return item.summary === '' ? [] : [quoted(item.summary, 'Reasoning: ')];
    case 'command':
      return commandBlocks(item);
    case 'file_change':
      return item.changes.flatMap((change) => changeBlocks(change, item.status));
    case 'tool_call':
      return [
        `Tool ${code(`${item.server}/${item.tool}`)} (${item.status})`,
        fenced(item.args, 'json'),
        ...(item.result === undefined ? [] : [fenced(item.result)]),
        ...(item.error === undefined ? [] : [`**Error**: ${inline(item.error)}`]),
      ];
    case 'web_search':
      return [`Searched the web for ${code(item.query)}`];
    case 'image':
      return [`Image ${code(item.path)}`];
    case 'compaction':
      return ['The conversation was compacted.'];
    case 'decision':
      return decisionBlocks(item);
    case 'other':
      return [`(${inline(item.name)})`];
  }
}

function commandBlocks(item: Extract<Item, { type: 'command' }>): string[] {
  const exit = item.exitCode === undefined ? item.status : `exit code ${item.exitCode}`;
  const omitted = item.omitted === 0 ? [] : [`(${item.omitted} bytes of output left out in the middle)`];
  return [
    `Command in ${code(item.cwd)}, ${exit}`,
    fenced(item.command, 'sh'),
    ...(item.output === '' ? [] : [fenced(item.output, 'text')]),
    ...omitted,
  ];
}

const DECISIONS: Readonly<Record<ApprovalDecision, string>> = {
  accept: 'Accepted',
  accept_for_session: 'Accepted for the session',
  decline: 'Declined',
  cancel: 'Declined, and stopped',
};

function decisionBlocks(item: Extract<Item, { type: 'decision' }>): string[] {
  const { about, subject, reason, answers = [], endedAt } = item;
  const lines = answers.map(({ question, answer }) =>
    answer === undefined ? `${question}\n(kept secret)` : `${question}\n${answer}`,
  );
  return [
    `**${decidedAs(item)}**${endedAt === undefined ? '' : `, ${timeOf(endedAt)}`}:`,
    fenced(subject, about === 'command' ? 'sh' : 'text'),
    ...(reason === undefined ? [] : [quoted(reason, 'Because: ')]),
    ...(lines.length === 0 ? [] : [quoted(lines.join('\n\n'))]),
  ];
}

function decidedAs({ about, decision, by, who }: Extract<Item, { type: 'decision' }>): string {
  if (by === 'codex' || decision === undefined) return "Answered in Codex's terminal";
  if (by === 'turn_ended') return 'Not answered before the turn ended';
  if (by === 'timeout') return 'Declined, nobody answered in time';
  const done = decision === 'accept' && about === 'question' ? 'Answered' : DECISIONS[decision];
  if (who === undefined) return done;
  return `${done} by ${inline(who.name === undefined ? who.kind : `${who.name} (${who.kind})`)}`;
}

function changeBlocks(change: FileChange, status: Item['status']): string[] {
  const words = { add: 'Added', delete: 'Deleted', update: 'Changed' };
  const moved = change.movedTo === undefined ? '' : `, moved to ${code(change.movedTo)}`;
  const done = status === 'completed' ? '' : ` (${status})`;
  return [
    `${words[change.kind]} ${code(change.path)}${moved} (+${change.added} -${change.removed})${done}`,
    ...(change.diff === '' ? [] : [fenced(change.diff, 'diff')]),
  ];
}

function endOf(turn: TurnSnapshot): string {
  const parts = [
    turn.status,
    ...(turn.model === undefined ? [] : [inline(turn.model)]),
    ...(turn.startedAt === undefined || turn.endedAt === undefined
      ? []
      : [`${((turn.endedAt - turn.startedAt) / 1000).toFixed(1)} s`]),
    ...(turn.usage.total === 0 ? [] : [tokensOf(turn.usage)]),
  ];
  return parts.join(', ');
}

function tokensOf(usage: TokenUsage): string {
  return `${usage.total} tokens (${usage.input} in, ${usage.cachedInput} of them cached; ${usage.output} out, ${usage.reasoningOutput} of them reasoning)`;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function quoted(text: string, before = ''): string {
  return `${before}${text}`
    .split(LINE_BREAK)
    .map((line) => (line === '' ? '>' : `> ${line}`))
    .join('\n');
}

/** Foreign text in a line of ours: one line, and no character of it is Markdown or HTML. */
function inline(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*_{}[\]<>#|~&]/g, '\\$&');
}

/** A code span that no run of backticks inside can close (CommonMark 0.31, section 6.1). */
function code(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length));
  const ticks = '`'.repeat(longest + 1);
  const pad = longest > 0 || line === '' ? ' ' : '';
  return `${ticks}${pad}${line}${pad}${ticks}`;
}

/** Markdown with its last fence closed: an answer that was cut in a code block must not swallow what follows. */
function closed(text: string): string {
  let open: string | undefined;
  for (const line of text.split(LINE_BREAK)) {
    const run = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line);
    if (run === null) continue;
    const [, marks = '', rest = ''] = run;
    if (open === undefined) {
      if (!(marks.startsWith('`') && rest.includes('`'))) open = marks;
    } else if (marks.startsWith(open) && rest.trim() === '') open = undefined;
  }
  return open === undefined ? text : `${text}\n${open}`;
}
