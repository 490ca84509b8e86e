import { expect, test } from 'vitest';
import { Emitter } from '../../src/shared/disposables.ts';
import { BridgeError } from '../../src/shared/errors.ts';
import { type Handlers, type Message, RpcClient, RpcServer } from '../../src/shared/rpc.ts';
import { type ChatContract, type ChatProblem, chatSchemas } from '../../src/shared/webview.ts';
import { ChatStore, type WindowState } from '../../webview-ui/chat/store.ts';

function stateWith(problem: ChatProblem | null): WindowState {
  return { problem, folders: [{ key: 'f', name: 'F' }], folder: 'f', sessions: [] };
}

/** A chat whose host refuses every prompt with the code. */
function setUp(code: 'CODEX_LOGGED_OUT' | 'CODEX_NOT_FOUND' | 'MODEL_ERROR') {
  const fail = (error: unknown) => {
    throw error;
  };
  const up = new Emitter<Message>(fail);
  const down = new Emitter<Message>(fail);
  const never = () => ({ dispose() {} });
  const store = new ChatStore(
    new RpcClient<ChatContract>({ send: (message) => up.fire(message), onMessage: down.on, onClose: never }),
  );
  const prompt = () => Promise.reject(new BridgeError(code, 'It can not be sent.'));
  // Nothing else is asked here.
  const handlers = { prompt } as unknown as Handlers<ChatContract>;
  const host = new RpcServer<ChatContract>(
    { send: (message) => down.fire(message), onMessage: up.on, onClose: never },
    chatSchemas,
    handlers,
  );
  return { store, show: (problem: ChatProblem | null) => host.emit('state', stateWith(problem)) };
}

test.each([
  ['CODEX_LOGGED_OUT', { kind: 'logged_out', login: null, remote: false }],
  ['CODEX_NOT_FOUND', { kind: 'no_codex', tooOld: false, message: 'There is none.' }],
] as const)('%s is said as long as it is so', async (code, problem) => {
  const { store, show } = setUp(code);
  show(problem);
  await store.sendPrompt('Hello');
  expect(store.failure.value?.code).toBe(code);
  show(problem);
  expect(store.failure.value?.code).toBe(code);
  show(null);
  expect(store.failure.value).toBeNull();
});

test('any other failure stays until it is dismissed', async () => {
  const { store, show } = setUp('MODEL_ERROR');
  await store.sendPrompt('Hello');
  show(null);
  expect(store.failure.value?.code).toBe('MODEL_ERROR');
});
