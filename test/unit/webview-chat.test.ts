import * as fc from 'fast-check';
import MarkdownIt from 'markdown-it';
import { describe, expect, test } from 'vitest';
import type { NumberedEvent } from '../../src/shared/events.ts';
import { type Message, RpcClient } from '../../src/shared/rpc.ts';
import { NO_USAGE, type SessionSnapshot, type TurnSnapshot } from '../../src/shared/session.ts';
import type { ChatContract, ChatState } from '../../src/shared/webview.ts';
import { GrowingMarkdown } from '../../webview-ui/chat/markdown.ts';
import { startBefore } from '../../webview-ui/chat/shownPart.ts';
import { ChatStore } from '../../webview-ui/chat/store.ts';
import {
  ago,
  commandLabel,
  compact,
  duration,
  readableJson,
  sourceText,
  splitPath,
} from '../../webview-ui/chat/text.ts';

describe('the store of the chat', () => {
  test('applies the events of a frame together, and draws only the turn that they belong to', async () => {
    const { store, host, frame } = await makeStore(session([turn('t1'), turn('t2')]));
    const [first, second] = store.turns.value;
    let drawn = 0;
    let other = 0;
    second?.turn.subscribe(() => drawn++);
    first?.turn.subscribe(() => other++);
    [drawn, other] = [0, 0];
    host.events(1, 'Hello', ' ', 'world');
    expect(drawn).toBe(0);
    frame();
    expect([drawn, other]).toEqual([1, 0]);
    expect(second?.turn.value.items[0]).toMatchObject({ text: 'Hello world' });
    expect(store.turns.value[1]).toBe(second);
  });

  test('tells which turn can be steered, and tells it again only when it is another one', async () => {
    const ended = { ...turn('t1'), status: 'completed' as const };
    const { store, host, frame } = await makeStore(session([ended, turn('t2')]));
    const told: (string | null)[] = [];
    store.live.subscribe((live) => told.push(live));
    host.events(1, 'Hello', ' world');
    frame();
    expect(store.busy.value).toBe(true);
    host.send({
      event: 'event',
      data: { session: 's', seq: 4, event: { type: 'turn.ended', turn: 't2', at: 1, status: 'completed' } },
    });
    frame();
    expect(told).toEqual(['t2', null]);
    expect(store.busy.value).toBe(false);
  });

  test('counts held prompts, and is not busy with them', async () => {
    const held = { ...turn('t2'), status: 'queued' as const, held: true as const };
    const ended = { ...turn('t1'), status: 'completed' as const };
    const { store, host, frame } = await makeStore(session([ended, held, { ...held, id: 't3' }]));
    expect([store.held.value, store.busy.value]).toEqual([2, false]);
    host.send({
      event: 'event',
      data: { session: 's', seq: 1, event: { type: 'turn.released', turn: 't2' } },
    });
    frame();
    expect([store.held.value, store.busy.value]).toEqual([1, true]);
  });

  test('passes over what it has and what is of another session, and pulls again after a gap', async () => {
    const { store, host, frame } = await makeStore(session([turn('t1'), turn('t2')]));
    host.events(1, 'a');
    frame();
    host.event('s', 2, 'twice');
    host.event('other', 3, 'not ours');
    frame();
    expect(text(store)).toBe('a');
    host.state = { ...host.state, session: { ...session([turn('t1'), turn('t2')]), seq: 9 } };
    host.event('s', 7, 'after a gap');
    // Comes while the new snapshot is on its way, and is newer than it.
    frame();
    host.event('s', 10, 'later');
    await host.answered(2);
    frame();
    expect(host.pulls).toBe(2);
    expect(store.turns.value[1]?.turn.value.items).toHaveLength(0);
  });

  test('shows what went wrong with an action, until the next one', async () => {
    const { store, host } = await makeStore(null);
    host.refuse = { code: 'QUEUE_FULL', message: 'Wait.' };
    expect(await store.ask('cancel', { session: 's' })).toBeUndefined();
    expect(store.failure.value).toEqual({ code: 'QUEUE_FULL', message: 'Wait.' });
    host.refuse = undefined;
    expect(await store.ask('cancel', { session: 's' })).toBeNull();
    expect(store.failure.value).toBeNull();
  });

  test('sends a prompt to the folder that was chosen just before, whatever older news say', async () => {
    const { store, host } = await makeStore(null);
    const before = { problem: null, folders: [], folder: 'old', sessions: [] };
    host.send({ event: 'state', data: before });
    const chosen = store.chooseFolder('new');
    expect(store.window.value.folder).toBe('new');
    host.send({ event: 'state', data: before });
    const sent = store.sendPrompt('Where am I?');
    await Promise.all([chosen, sent]);
    expect(host.asked('prompt')).toMatchObject([{ prompt: 'Where am I?', folder: 'new' }]);
    // Later the host has the word again.
    host.send({ event: 'state', data: before });
    expect(store.window.value.folder).toBe('old');
  });

  test('replaces everything when another session is opened', async () => {
    const { store, host, frame } = await makeStore(session([turn('t1'), turn('t2')]));
    host.events(1, 'lost');
    host.send({ event: 'session', data: { session: { ...session([turn('t9')]), id: 'n', title: 'N' } } });
    frame();
    expect(store.turns.value.map(({ id }) => id)).toEqual(['t9']);
    expect(store.head.value).toMatchObject({ id: 'n', title: 'N' });
    host.send({ event: 'session', data: { session: null } });
    expect(store.head.value).toBeNull();
    expect(store.turns.value).toEqual([]);
  });

  const text = (store: ChatStore) => {
    const item = store.turns.value[1]?.turn.value.items[0];
    return item?.type === 'agent_message' ? item.text : undefined;
  };
});

describe('markdown that grows', () => {
  const md = new MarkdownIt({ html: false, linkify: true });

  test('ends as the same HTML as the whole text, however it came', () => {
    const block = fc.constantFrom(
      'A paragraph\nof two lines.',
      '# Heading',
      'Setext\n---',
      '- one\n- two\n\n  with a paragraph\n- three',
      '1. one\n2. two',
      '```ts\nconst a = 1;\n\n# not a heading\n```',
      '> quote\nlazy',
      '| a | b |\n|---|---|\n| 1 | 2 |',
      '***',
      '    indented code',
      '`code` and **bold** and https://example.com',
    );
    fc.assert(
      fc.property(
        fc.array(block, { maxLength: 8 }),
        fc.constantFrom('\n', '\n\n', '\n\n\n'),
        fc.array(fc.nat(200), { maxLength: 12 }),
        (blocks, gap, cuts) => {
          const whole = blocks.join(gap);
          const growing = new GrowingMarkdown((html) => html);
          for (const cut of [...cuts].sort((a, b) => a - b)) growing.update(whole.slice(0, cut));
          expect(growing.update(whole).join('')).toBe(md.render(whole));
        },
      ),
      {
        numRuns: 500,
        // A list that seems to be closed by the "1" of its own next item.
        examples: [[['`code`', '1. one\n2. two', '1. one\n2. two'], '\n\n\n', [27]]],
      },
    );
  });

  test('keeps closed blocks as they are and renders the last one only', () => {
    const rendered: string[] = [];
    const growing = new GrowingMarkdown((html) => {
      rendered.push(html);
      return html;
    });
    growing.update('# One\n\nTwo\n\nThr');
    rendered.length = 0;
    growing.update('# One\n\nTwo\n\nThree');
    expect(rendered).toEqual(['<p>Three</p>\n']);
  });

  test('begins anew when the text is another one', () => {
    const growing = new GrowingMarkdown((html) => html);
    growing.update('Old\n\nText');
    expect(growing.update('New').join('')).toBe('<p>New</p>\n');
  });
});

describe('texts', () => {
  test('a command is labelled without the shell that Codex puts around it', () => {
    expect(commandLabel("/bin/bash -lc 'ls -la'")).toBe('ls -la');
    expect(commandLabel('/bin/bash -lc "sh -c \\"echo a\\""')).toBe('sh -c "echo a"');
    expect(commandLabel("bash -lc 'it'\\''s'")).toBe("it's");
    expect(commandLabel('npm test')).toBe('npm test');
  });

  test('who asked is named as people name them', () => {
    expect(sourceText({ kind: 'mcp', name: 'claude-code' }).label).toBe('Claude Code');
    expect(sourceText({ kind: 'mcp', name: 'my-tool' }).label).toBe('my-tool');
    expect(sourceText({ kind: 'mcp' }).label).toBe('MCP client');
  });

  test('JSON is made readable, what is none stays', () => {
    expect(readableJson('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
    expect(readableJson('{"a": … (cut')).toBe('{"a": … (cut');
  });

  test('numbers and times are short', () => {
    expect([999, 1200, 34_000, 1_500_000].map(compact)).toEqual(['999', '1.2K', '34K', '1.5M']);
    expect([40, 9_940, 12_000, 185_000].map(duration)).toEqual(['0.0 s', '9.9 s', '12 s', '3 min 5 s']);
    expect([0, 5, 180, 3000].map((minutes) => ago(0, minutes * 60_000))).toEqual([
      'now',
      '5 min',
      '3 h',
      '2 d',
    ]);
    expect(splitPath('src/a/b.ts')).toEqual({ folder: 'src/a/', name: 'b.ts' });
  });
});

async function makeStore(open: SessionSnapshot | null) {
  const frames: (() => void)[] = [];
  const host = new Host(open);
  const store = new ChatStore(new RpcClient<ChatContract>(host.port), (callback) => frames.push(callback));
  await store.pull();
  const frame = () => {
    for (const callback of frames.splice(0)) callback();
  };
  return { store, host, frame };
}

/** The extension host's side of the line. */
class Host {
  state: ChatState;
  pulls = 0;
  refuse: { code: string; message: string } | undefined;
  readonly #listeners = new Set<(message: unknown) => void>();
  readonly #answered = new Set<() => void>();
  readonly #requests: { readonly method: string; readonly params: unknown }[] = [];

  constructor(session: SessionSnapshot | null) {
    this.state = { problem: null, folders: [], folder: null, sessions: [], session, draft: '' };
  }

  readonly port = {
    send: (message: Message) => void Promise.resolve().then(() => this.#answer(message)),
    onMessage: (listener: (message: unknown) => void) => {
      this.#listeners.add(listener);
      return { dispose: () => void this.#listeners.delete(listener) };
    },
    onClose: () => ({ dispose() {} }),
  };

  send(message: unknown): void {
    for (const listener of this.#listeners) listener(message);
  }

  event(session: string, seq: number, text: string): void {
    const event: NumberedEvent['event'] = { type: 'item.delta', turn: 't2', item: 'i', field: 'text', text };
    this.send({ event: 'event', data: { session, seq, event } });
  }

  /** An item of the second turn, and its text piece by piece. */
  events(seq: number, ...pieces: string[]): void {
    const item = { id: 'i', type: 'agent_message', status: 'running', startedAt: 0, text: '' };
    this.send({
      event: 'event',
      data: { session: 's', seq, event: { type: 'item.started', turn: 't2', item } },
    });
    for (const [place, piece] of pieces.entries()) this.event('s', seq + 1 + place, piece);
  }

  /** What was asked by this method, in order. */
  asked(method: string): unknown[] {
    return this.#requests.filter((request) => request.method === method).map(({ params }) => params);
  }

  async answered(pulls: number): Promise<void> {
    while (this.pulls < pulls) await new Promise<void>((resolve) => this.#answered.add(resolve));
    await Promise.resolve();
  }

  #answer(message: Message): void {
    if (!('method' in message) || !('id' in message)) return;
    const { id } = message;
    this.#requests.push(message);
    if (message.method === 'ready') this.pulls++;
    const result = message.method === 'ready' ? this.state : null;
    this.send(this.refuse === undefined ? { id, result } : { id, error: this.refuse });
    for (const wake of this.#answered) wake();
    this.#answered.clear();
  }
}

function session(turns: readonly TurnSnapshot[]): SessionSnapshot {
  return {
    id: 's',
    folder: 'f',
    title: 'S',
    archived: false,
    createdAt: 0,
    updatedAt: 0,
    usage: NO_USAGE,
    settings: {},
    turns,
    approvals: [],
    seq: 0,
  };
}

function turn(id: string): TurnSnapshot {
  return {
    id,
    source: { kind: 'window' },
    prompt: id,
    attachments: [],
    status: 'running',
    createdAt: 0,
    startedAt: 0,
    items: [],
    plan: [],
    diff: '',
    usage: NO_USAGE,
    notices: [],
  };
}

describe('the drawn part of a transcript', () => {
  const end = { turn: 3, item: 0 };

  test('begins so many items before the end, a prompt counted as one', () => {
    expect(startBefore([2, 2, 2], end, 3)).toEqual({ turn: 2, item: 0 });
    expect(startBefore([2, 2, 2], end, 4)).toEqual({ turn: 1, item: 1 });
    expect(startBefore([2, 2, 2], end, 100)).toEqual({ turn: 0, item: 0 });
    expect(startBefore([1, 1, 5000], end, 60)).toEqual({ turn: 2, item: 4940 });
  });

  test('reaches the beginning in steps, each of them further up', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { minLength: 1 }), fc.integer({ min: 2, max: 80 }), (sizes, step) => {
        let at = { turn: sizes.length, item: 0 };
        for (let steps = 0; at.turn > 0 || at.item > 0; steps++) {
          const next = startBefore(sizes, { turn: at.turn, item: at.item === 0 ? 0 : at.item + 1 }, step);
          expect(next.turn < at.turn || (next.turn === at.turn && next.item < at.item)).toBe(true);
          at = next;
          expect(steps).toBeLessThan(5_000);
        }
      }),
    );
  });
});
