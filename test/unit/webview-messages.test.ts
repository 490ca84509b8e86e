import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PANEL_TABS, type panelParams, panelPort, panelSchemas } from '../../src/shared/panel.ts';
import { type Contract, type Handlers, type MessagePort, RpcServer } from '../../src/shared/rpc.ts';
import { terminalPort, type terminalViewParams, terminalViewSchemas } from '../../src/shared/terminalView.ts';
import { type chatParams, chatSchemas } from '../../src/shared/webview.ts';

/** Cases of a run, always the same ones. */
const CASES = 10_000;
const SEED = 22;

const S = { session: 's' };
const PLACE = { session: 's', turn: 't' };
const SIZE = { cols: 80, rows: 24 };

/** A message that the host takes, for each method of each contract; in each, every key is required. */
const CHAT: Record<keyof typeof chatParams, object> = {
  ready: {},
  'session.select': S,
  'session.new': {},
  prompt: { session: 's', prompt: 'p' },
  task: { session: 's', task: { kind: 'compact' }, typed: '/compact' },
  'review.pick': { what: 'branch' },
  steer: { ...PLACE, prompt: 'p' },
  cancel: S,
  held: { ...S, send: true },
  'session.delete': S,
  'approval.answer': { ...S, approval: 'a', decision: 'accept' },
  'link.open': { href: 'https://example.org' },
  action: { name: 'retry' },
  login: { what: 'chatgpt' },
  draft: { text: 't' },
  'composer.options': { folder: 'f' },
  'composer.choose': { session: 's', choice: {} },
  'composer.history': { folder: 'f' },
  'composer.find': { folder: 'f', query: 'q' },
  'composer.attach': { folder: 'f', what: { kind: 'file', path: 'a.ts' } },
  'session.command': { ...S, command: { name: 'fork' } },
};
const PANEL: Record<keyof typeof panelParams, object> = {
  'panel.ready': {},
  'panel.tab': { tab: PANEL_TABS[1] },
  copy: { text: 't' },
  'changes.openDiff': { ...PLACE, path: 'a.ts' },
  'changes.openAll': PLACE,
  'changes.list': PLACE,
  'changes.read': { ...PLACE, path: 'a.ts' },
  'changes.revert': PLACE,
  'changes.keep': { ...PLACE, kept: true },
};
const TERMINAL: Record<keyof typeof terminalViewParams, object> = {
  ready: {},
  open: SIZE,
  restart: SIZE,
  input: { data: 'x' },
  resize: { ...SIZE, focused: true },
  ack: { chars: 1 },
  copy: { text: 't' },
  'link.open': { href: 'https://example.org' },
  'files.known': { paths: ['a.ts'] },
  'file.open': { path: 'a.ts' },
  tab: { tab: 'chat' },
  integrated: {},
};
/** Where a key may also be null. */
const NULLABLE = new Set(['session.select', 'prompt', 'task', 'composer.choose']);
const NULL_FOLDER = new Set(['composer.options', 'composer.history', 'composer.find', 'composer.attach']);
/** What is not text, number, list or anything else that a contract has. */
const WRONG: readonly unknown[] = [
  undefined,
  {},
  { toString: 'x' },
  [[]],
  [{}],
  '',
  'x'.repeat(30_000_000),
  Number.NaN,
  -1,
  0.5,
];

type Name = 'chat' | 'panel' | 'terminal';

/** All three servers on one line, as in a session panel, with handlers that only write down that they ran. */
function host() {
  const listeners: ((message: unknown) => void)[] = [];
  const sent: unknown[] = [];
  const ran: string[] = [];
  const port: MessagePort = {
    send: (message) => sent.push(message),
    onMessage: (listener) => {
      listeners.push(listener);
      return { dispose: () => undefined };
    },
    onClose: () => ({ dispose: () => undefined }),
  };
  // What a handler gives back says nothing here.
  const handlers = <C extends Contract>(name: Name, methods: object) =>
    Object.fromEntries(
      Object.keys(methods).map((method) => [
        method,
        () => {
          ran.push(`${name} ${method}`);
          return null;
        },
      ]),
    ) as unknown as Handlers<C>;
  new RpcServer(port, chatSchemas, handlers('chat', CHAT));
  new RpcServer(panelPort(port), panelSchemas, handlers('panel', PANEL));
  new RpcServer(terminalPort(port), terminalViewSchemas, handlers('terminal', TERMINAL));
  return {
    ran,
    sent,
    receive(message: unknown) {
      for (const listener of listeners) listener(message);
    },
  };
}

const wrap = (name: Name, message: unknown) => (name === 'chat' ? message : { event: name, data: message });

const METHODS = (
  Object.entries({ chat: CHAT, panel: PANEL, terminal: TERMINAL }) as [Name, object][]
).flatMap(([name, methods]) =>
  Object.entries(methods).map(([method, params]) => ({ name, method, params: params as object })),
);
const method = fc.constantFrom(...METHODS);
/** Methods that take anything: asking is all they do. */
const KEYLESS = new Set(
  METHODS.flatMap(({ method, params }) => (Object.keys(params).length === 0 ? [method] : [])),
);

/** A message for a method with one required key missing or wrong. */
const broken = method
  .filter(({ params }) => Object.keys(params).length > 0)
  .chain(({ name, method, params }) =>
    fc
      .tuple(fc.constantFrom(...Object.keys(params)), fc.constantFrom('missing', ...WRONG, null))
      .map(([key, how]) => {
        const { [key]: _taken, ...rest } = params as Record<string, unknown>;
        return { name, method, key, how, params: how === 'missing' ? rest : { ...rest, [key]: how } };
      }),
  )
  .filter(({ method, key, how }) => !isTaken(method, key, how))
  .map(({ name, method, params }) => wrap(name, { id: 1, method, params }));

/** Values that {@link WRONG} has and this key takes. */
function isTaken(method: string, key: string, how: unknown): boolean {
  if (how === null)
    return (NULLABLE.has(method) && key === 'session') || (NULL_FOLDER.has(method) && key === 'folder');
  if (key === 'choice') return typeof how === 'object' || how === undefined;
  if (['prompt', 'typed', 'text', 'data', 'query'].includes(key) && how === '') return true;
  // How long a prompt may be is the session's to say.
  if (['prompt', 'typed'].includes(key)) return typeof how === 'string' && how !== 'missing';
  return false;
}

/** Not what a request looks like at all, or of a method that nobody has. */
const strange = fc.oneof(
  fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }),
  fc
    .tuple(method, fc.constantFrom(null, '1', {}, [], true))
    .map(([{ name, method, params }, id]) => wrap(name, { id, method, params })),
  fc
    .tuple(
      fc.constantFrom<Name>('chat', 'panel', 'terminal'),
      fc.oneof(
        fc.string(),
        fc.constantFrom(
          '__proto__',
          'constructor',
          'toString',
          'hasOwnProperty',
          'valueOf',
          'Ready',
          ' ready',
        ),
        fc.constantFrom(1, null, {}, ['ready']),
      ),
      fc.anything(),
    )
    .filter(([, method]) => typeof method !== 'string' || !KEYLESS.has(method))
    .map(([name, method, params]) => wrap(name, { id: 1, method, params })),
  // The right method at another contract's door, and doors within doors.
  method
    .filter(({ method }) => !KEYLESS.has(method) && !['copy', 'link.open'].includes(method))
    .map(({ name, method, params }) => wrap(name === 'chat' ? 'panel' : 'chat', { id: 1, method, params })),
  method
    .filter(({ name }) => name !== 'chat')
    .map(({ name, method, params }) =>
      wrap('panel', wrap('terminal', wrap(name, { id: 1, method, params }))),
    ),
  // Parameters that are none.
  fc
    .tuple(method, fc.constantFrom(undefined, null, 0, 'x', true, [], [{}], ['s', 't']))
    .map(([{ name, method }, params]) => wrap(name, { method, params })),
);

it('A22: a malformed message of a webview runs nothing and breaks nothing', () => {
  const { ran, sent, receive } = host();
  fc.assert(
    fc.property(fc.oneof(broken, strange), (message) => {
      receive(message);
      expect(ran).toEqual([]);
      for (const answer of sent.splice(0))
        expect(JSON.stringify(answer)).toMatch(/INVALID_INPUT|BRIDGE_CONTRACT/);
    }),
    { numRuns: CASES, seed: SEED },
  );
  // It goes on, and each of these messages is taken when it is whole.
  for (const { name, method, params } of METHODS) receive(wrap(name, { id: 1, method, params }));
  expect(ran).toEqual(METHODS.map(({ name, method }) => `${name} ${method}`));
});
