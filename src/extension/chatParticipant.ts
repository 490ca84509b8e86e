import type * as vscode from 'vscode';
import { DisposableStore } from '../shared/disposables.ts';
import { errorText } from '../shared/errorSentences.ts';
import type { Translate } from '../shared/l10n.ts';
import { answerOf, hasEnded, type SessionId, type TurnId, type TurnSnapshot } from '../shared/session.ts';
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
  { window, t, onError }: { window: WindowFace; t: Translate; onError(error: unknown): void },
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
    await follow(window, t, sent, response, store);
  } finally {
    store.dispose();
  }
  return { metadata: { session: sent.session } };
}

function follow(
  { link }: WindowFace,
  t: Translate,
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
        response.markdown(`\n\n_${t('Codex goes on in its own chat: another session was opened there.')}_`);
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
        response.progress(t('Waiting for your answer in the Codex chat'));
      if (!hasEnded(turn.status)) return;
      if (item === undefined && answerOf(turn) !== '') response.markdown(answerOf(turn));
      if (turn.status !== 'completed') response.markdown(`\n\n_${endOf(turn, t)}_`);
      resolve();
    };
    store.add(link.onEvent(look));
    store.add(link.onSession(look));
    look();
  });
}

/** How a turn has ended that did not do all it should. */
function endOf({ error, status }: TurnSnapshot, t: Translate): string {
  if (error !== undefined) return errorText(error, t);
  if (status === 'cancelled') return t('The turn was cancelled.');
  return status === 'interrupted' ? t('The turn was interrupted.') : t('The turn failed.');
}

/** VS Code gives back what an earlier answer returned. */
function sessionOfTurn(turn: unknown): SessionId | undefined {
  const { result } = (turn ?? {}) as { result?: { metadata?: { session?: unknown } } }; // read and checked here
  const session = result?.metadata?.session;
  return typeof session === 'string' ? session : undefined;
}
