import { describe, expect, test } from 'vitest';
import type { ChangeContent, ChangeList } from '../../src/shared/changes.ts';
import { BridgeError } from '../../src/shared/errors.ts';
import { type PanelContract, panelPort, panelSchemas, parsePanelState } from '../../src/shared/panel.ts';
import { type Handlers, type Message, type MessagePort, RpcClient, RpcServer } from '../../src/shared/rpc.ts';
import { ChangesStore } from '../../webview-ui/changes/changesStore.ts';
import { readPanelState } from '../../webview-ui/panel/panelState.ts';

/** Two ends of a line that carries messages at once. */
function linked(): [MessagePort, MessagePort, Message[]] {
  const listeners: ((message: unknown) => void)[][] = [[], []];
  const sent: Message[] = [];
  const end = (own: number): MessagePort => ({
    send: (message) => {
      sent.push(message);
      for (const listener of listeners[1 - own] ?? []) listener(message);
    },
    onMessage: (listener) => {
      listeners[own]?.push(listener);
      return { dispose() {} };
    },
    onClose: () => ({ dispose() {} }),
  });
  return [end(0), end(1), sent];
}

const FILE = { path: 'a.ts', kind: 'update', type: 'file', binary: false, added: 1, removed: 1 } as const;
const LIST: ChangeList = {
  files: [{ ...FILE, mark: 'open' }],
  overlaps: [],
  excluded: [],
  notes: [],
  complete: true,
};
const CONTENT: ChangeContent = {
  file: { ...FILE, mark: 'open' },
  before: { encoding: 'utf8', data: 'a\n', omitted: 0 },
  after: { encoding: 'utf8', data: 'b\n', omitted: 0 },
  hunks: [{ beforeStart: 0, beforeCount: 1, afterStart: 0, afterCount: 1, mark: 'open' }],
};

function storeWith(handlers: Partial<Handlers<PanelContract>>) {
  const [host, view] = linked();
  const unexpected = () => {
    throw new BridgeError('INTERNAL', 'not expected');
  };
  const server = new RpcServer<PanelContract>(panelPort(host), panelSchemas, {
    'panel.ready': unexpected,
    'panel.tab': unexpected,
    copy: unexpected,
    'changes.openDiff': unexpected,
    'changes.openAll': unexpected,
    'changes.list': () => LIST,
    'changes.read': () => CONTENT,
    'changes.revert': unexpected,
    'changes.keep': unexpected,
    ...handlers,
  });
  const store = new ChangesStore(new RpcClient<PanelContract>(panelPort(view)), () => 's1');
  return { server, store };
}

async function settled(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { interval: 1 }).toBe(true);
}

describe('the state of the changes tab', () => {
  test('reads a list and a content once, and again when they were changed', async () => {
    let reads = 0;
    const { server, store } = storeWith({
      'changes.read': () => {
        reads += 1;
        return CONTENT;
      },
    });
    const list = store.list('t1');
    const content = store.content('t1', 'a.ts');
    expect(store.content('t1', 'a.ts')).toBe(content);
    expect(content.value.state).toBe('loading');
    await settled(() => list.value.state === 'ready' && content.value.state === 'ready');
    expect(reads).toBe(1);
    server.emit('changes.changed', { session: 's1', turn: 't2' });
    server.emit('changes.changed', { session: 's1', turn: 't1' });
    await settled(() => reads === 2);
  });

  test('reads again what could not be read', async () => {
    let lost = true;
    const { store } = storeWith({
      'changes.list': () => {
        if (lost) throw new BridgeError('CONNECTION_CLOSED', 'The connection was closed.');
        return LIST;
      },
    });
    const list = store.list('t1');
    await settled(() => list.value.state === 'failed');
    lost = false;
    await store.again('t1');
    expect(list.value).toEqual({ state: 'ready', value: LIST });
  });

  test('says at its place why something was refused, until it is tried again', async () => {
    let refuse = true;
    const { store } = storeWith({
      'changes.revert': () => {
        if (refuse) throw new BridgeError('CHANGE_EDITED_SINCE', 'It was edited since.');
        return { refused: [] };
      },
    });
    const place = { turn: 't1', path: 'a.ts', hunk: 0 };
    await store.revert(place);
    expect(store.refusal(place)).toEqual({ code: 'CHANGE_EDITED_SINCE', message: 'It was edited since.' });
    expect(store.refusal({ turn: 't1', path: 'a.ts' })).toBeUndefined();
    refuse = false;
    await store.revert(place);
    expect(store.refusal(place)).toBeUndefined();
  });

  test('of a whole turn, names each file that was refused', async () => {
    const { store } = storeWith({
      'changes.revert': () => ({
        refused: [{ path: 'a.ts', error: { code: 'CHANGE_EDITED_SINCE', message: 'No.' } }],
      }),
    });
    await store.revert({ turn: 't1' });
    expect(store.refusal({ turn: 't1', path: 'a.ts' })?.message).toBe('No.');
  });

  test('closes a file that is kept, and copies patches through the host', async () => {
    const copied: string[] = [];
    const { store } = storeWith({
      'changes.keep': () => null,
      copy: ({ text }) => {
        copied.push(text);
        return null;
      },
    });
    await store.keep({ turn: 't1', path: 'a.ts' }, true);
    expect(store.view.value.open).toEqual({ 't1 a.ts': false });
    await store.copyPatch({ turn: 't1' }, ['a.ts']);
    expect(copied).toEqual([expect.stringContaining('@@ -1,1 +1,1 @@\n-a\n+b\n')]);
  });
});

describe('the panel', () => {
  test('its messages pass by the chat on the same line', () => {
    const [host, view, sent] = linked();
    const heard: unknown[] = [];
    panelPort(host).onMessage((message) => heard.push(message));
    view.send({ id: 1, method: 'ready', params: {} });
    panelPort(view).send({ id: 1, method: 'panel.ready', params: {} });
    expect(heard).toEqual([{ id: 1, method: 'panel.ready', params: {} }]);
    expect(sent[1]).toEqual({ event: 'panel', data: { id: 1, method: 'panel.ready', params: {} } });
  });

  test('begins anew where what was kept is not its own', () => {
    expect(parsePanelState({ session: 's1', tab: 'changes', more: 1 })).toEqual({
      session: 's1',
      tab: 'changes',
    });
    for (const odd of [undefined, null, 'x', { session: 1 }, { session: 's1', tab: 'other' }]) {
      expect(parsePanelState(odd)).toEqual({ session: null, tab: 'chat' });
    }
    expect(readPanelState({ session: 's1', tab: 'chat', draft: 'd' })).toMatchObject({
      draft: 'd',
      place: null,
      changes: { layout: 'unified', open: {} },
    });
  });
});
