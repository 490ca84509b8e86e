import { createInterface } from 'node:readline';
import type { NumberedEvent } from '../shared/events.ts';
import {
  type Approval,
  type ApprovalDecision,
  answerOf,
  type Item,
  type TurnSnapshot,
} from '../shared/session.ts';
import { makeVisible, visibleProse } from '../shared/visible.ts';

type Answer = (approval: string, decision: ApprovalDecision) => Promise<unknown>;

/** What `ask` prints: the answer on stdout as it comes, what Codex does on stderr; or JSON lines on stdout. */
export class AskOutput {
  readonly #json: boolean;
  /** The message that is being streamed, and how much of it is out. */
  #item = '';
  #written = 0;

  constructor(json: boolean) {
    this.#json = json;
  }

  started(session: string, turn: string): void {
    if (this.#json) line({ type: 'turn', session, turn });
  }

  event(numbered: NumberedEvent, turn: TurnSnapshot, answer: Answer): void {
    const { event } = numbered;
    if (this.#json) line({ type: 'event', ...numbered });
    if (event.type === 'approval.requested') this.#ask(event.approval, answer);
    if (this.#json) return;
    if (event.type === 'item.delta') this.#message(turn.items.find(({ id }) => id === event.item));
    if (event.type === 'item.started' || event.type === 'item.completed') {
      if (event.item.type === 'agent_message') this.#message(event.item);
      else say(event.type === 'item.started' ? stepOf(event.item) : outcomeOf(event.item));
    }
    if (event.type === 'turn.notice') say(event.notice.text);
  }

  ended(session: string, turn: TurnSnapshot): void {
    const { id, status, usage, error } = turn;
    if (this.#json) {
      line({
        type: 'result',
        session,
        turn: id,
        status,
        answer: answerOf(turn),
        usage,
        ...(error === undefined ? {} : { error }),
      });
      return;
    }
    if (this.#written > 0) process.stdout.write('\n');
    if (error !== undefined) say(`${error.message} [${error.code}]`);
    say(`${status} · ${usage.total} tokens · go on with --session ${session}`);
  }

  #message(item: Item | undefined): void {
    if (item?.type !== 'agent_message') return;
    if (item.id !== this.#item) {
      if (this.#written > 0) process.stdout.write('\n\n');
      this.#item = item.id;
      this.#written = 0;
    }
    const text = item.text.slice(this.#written);
    // A pipe gets the bytes; a terminal would do what escape codes in them say.
    process.stdout.write(process.stdout.isTTY ? visibleProse(text) : text);
    this.#written = item.text.length;
  }

  #ask({ id, request, decisions, reason }: Approval, answer: Answer): void {
    say(`Codex asks: ${questionOf(request)}`);
    if (reason !== undefined) say(`Its reason: ${makeVisible(reason)}`);
    const form = request.kind === 'question' && (request.fields ?? []).length > 0;
    if (form || !process.stdin.isTTY || !process.stderr.isTTY) {
      say('Answer in VS Code; without an answer it is declined.');
      return;
    }
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    terminal.question('Allow this once? [y/N] ', (text) => {
      terminal.close();
      const decision =
        text.trim().toLowerCase() === 'y' && decisions.includes('accept') ? 'accept' : 'decline';
      answer(id, decision).catch((error: unknown) => say(String(error)));
    });
  }
}

/** Control characters could hide what is really asked: they are made visible. */
function questionOf(request: Approval['request']): string {
  const text =
    request.kind === 'command'
      ? `run ${request.command} in ${request.cwd}`
      : request.kind === 'file_change'
        ? changesOf(request)
        : request.text;
  return makeVisible(text);
}

/** All of it: a person says yes to nothing that is not shown. */
function changesOf({ changes, grantRoot }: Extract<Approval['request'], { kind: 'file_change' }>): string {
  const files = changes.map(
    ({ kind, path, movedTo, diff }) =>
      `${kind} ${path}${movedTo === undefined ? '' : ` to ${movedTo}`}\n${diff}`,
  );
  const root = grantRoot === undefined ? '' : ` and to write below ${grantRoot} from now on`;
  return `change ${changes.length === 1 ? 'a file' : `${changes.length} files`}${root}\n${files.join('\n')}`;
}

function stepOf(item: Item): string {
  switch (item.type) {
    case 'command':
      return `running ${item.command}`;
    case 'file_change':
      return `editing ${item.changes.map(({ path }) => path).join(', ')}`;
    case 'tool_call':
      return `calling ${item.server} ${item.tool}`;
    case 'web_search':
      return `searching ${item.query}`;
    default:
      return '';
  }
}

function outcomeOf(item: Item): string {
  if (item.type === 'command' && item.exitCode !== undefined && item.exitCode !== 0)
    return `exit status ${item.exitCode}`;
  return item.status === 'declined' ? 'declined' : '';
}

function say(text: string): void {
  if (text !== '') process.stderr.write(`[codex-bridge] ${visibleProse(text)}\n`);
}

function line(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
