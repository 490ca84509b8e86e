import * as vscode from 'vscode';
import type { Disposable } from '../shared/disposables.ts';
import type { SessionId } from '../shared/session.ts';
import { type ApprovalWatch, type Asked, noticeOf } from './approvalWatch.ts';

interface NoticeDeps {
  readonly approvals: ApprovalWatch;
  /** Carries the badge: it is there also where the chat was never shown. */
  readonly view: vscode.TreeView<unknown>;
  /** True while the chat, or the session's own panel, can be seen: the card there is enough then. */
  isShown(session: SessionId): boolean;
  decline(asked: Asked): void;
  onError(error: unknown): void;
}

/**
 * Says that Codex asks something: a badge always, and a notification where neither the chat nor the session's panel can be seen. It is shown as
 * progress, the one kind of notification that an extension can close again: at once when the question was
 * answered, here or in another face. Nothing is accepted from there, only in the chat with all of it in view.
 */
export class ApprovalNotices {
  readonly #deps: NoticeDeps;
  readonly #subscription: Disposable;
  /** By the approval: closes its notification. */
  readonly #open = new Map<string, () => void>();

  constructor(deps: NoticeDeps) {
    this.#deps = deps;
    this.#subscription = deps.approvals.onChanged(() => this.update());
    this.update();
  }

  /** Questions, or what of chat and panels can be seen, have changed. */
  update(): void {
    const { approvals, view, isShown, decline, onError } = this.#deps;
    const { asked } = approvals;
    void vscode.commands.executeCommand('setContext', 'codexBridge.asked', asked.length > 0);
    view.badge =
      asked.length === 0
        ? undefined
        : { value: asked.length, tooltip: vscode.l10n.t('Codex waits for your answer') };
    const noticed = asked.filter(({ session }) => !isShown(session));
    for (const [id, close] of this.#open) {
      if (noticed.some(({ approval }) => approval.id === id)) continue;
      this.#open.delete(id);
      close();
    }
    for (const one of noticed) {
      const { id } = one.approval;
      if (this.#open.has(id)) continue;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#open.set(id, resolve);
      notify(one, promise, decline).then(undefined, onError);
    }
  }

  dispose(): void {
    this.#subscription.dispose();
    for (const close of this.#open.values()) close();
    this.#open.clear();
  }
}

/** A progress notification has one button, whose name is VS Code's: what it does is said beside it. */
async function notify(asked: Asked, closed: Promise<void>, decline: (asked: Asked) => void): Promise<void> {
  const review = `command:codexBridge.reviewApproval?${encodeURIComponent(JSON.stringify([asked.session]))}`;
  const title = `${noticeOf(asked, vscode.l10n.t)}. ${vscode.l10n.t('[Review]({0}) it in the chat; Cancel declines it.', review)}`;
  await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title, cancellable: true },
    (_progress, cancelled) => {
      cancelled.onCancellationRequested(() => decline(asked));
      return closed;
    },
  );
}
