import type * as vscode from 'vscode';
import { DisposableStore } from '../shared/disposables.ts';
import { answerOf, hasEnded, type SessionId, type TurnId } from '../shared/session.ts';
import type { WindowFace } from './windowFace.ts';

/** What the next question in the same conversation finds again. */
interface Answered extends vscode.ChatResult {
  readonly metadata: { readonly session: SessionId };
}

type Token = Pick<vscode.CancellationToken, 'isCancellationRequested' | 'onCancellationRequested'>;
type Response = Pick<vscode.ChatResponseStream, 'markdown' | 'progress'>;

/**
 * Answers `@codex` in VS Code's chat by a turn in a session of ours, one for each conversation: the whole of
 * it, with commands and changes, is in our chat, and here is what Codex says.
 */
export async function answerInChat(
  { window, onError }: { window: WindowFace; onError(error: unknown): void },
  prompt: string,
  history: readonly unknown[],
  response: Response,
  token: Token,
): Promise<Answered> {
  const { link } = window;
  const known = history.map(sessionOfTurn).findLast((session) => session !== undefined);
  const sent = await window.prompt({
    session: known !== undefined && window.session(known) !== undefined ? known : null,
    prompt,
    source: { kind: 'window', name: 'VS Code chat' },
  });
  const store = new DisposableStore();
  const cancel = () => link.request('session.cancel', { session: sent.session, turn: sent.turn });
  try {
    if (token.isCancellationRequested) await cancel();
    store.add(token.onCancellationRequested(() => void cancel().catch(onError)));
    await follow(window, sent, response, store);
  } finally {
    store.dispose();
  }
  return { metadata: { session: sent.session } };
}

function follow(
  { link }: WindowFace,
  sent: { session: SessionId; turn: TurnId },
  response: Response,
  store: DisposableStore,
): Promise<void> {
  let said = 0;
  let item: string | undefined;
  return new Promise((resolve) => {
    const look = () => {
      const session = link.session;
      if (session?.id !== sent.session) {
        response.markdown('\n\n_Codex goes on in its own chat: another session was opened there._');
        return resolve();
      }
      const turn = session.turns.find(({ id }) => id === sent.turn);
      if (turn === undefined) return;
      const message = turn.items.findLast(({ type }) => type === 'agent_message');
      if (message?.type === 'agent_message') {
        if (message.id !== item) {
          if (item !== undefined) response.markdown('\n\n');
          item = message.id;
          said = 0;
        }
        if (message.text.length > said) response.markdown(message.text.slice(said));
        said = message.text.length;
      }
      if (turn.status === 'waiting_for_approval')
        response.progress('Waiting for your answer in the Codex chat');
      if (!hasEnded(turn.status)) return;
      if (item === undefined && answerOf(turn) !== '') response.markdown(answerOf(turn));
      if (turn.status !== 'completed')
        response.markdown(`\n\n_${turn.error?.message ?? `The turn was ${turn.status}.`}_`);
      resolve();
    };
    store.add(link.onEvent(look));
    store.add(link.onSession(look));
    look();
  });
}

/** VS Code gives back what an earlier answer returned. */
function sessionOfTurn(turn: unknown): SessionId | undefined {
  const { result } = (turn ?? {}) as { result?: { metadata?: { session?: unknown } } }; // read and checked here
  const session = result?.metadata?.session;
  return typeof session === 'string' ? session : undefined;
}
