import { effect } from '@preact/signals';
import type { ChosenAttachment } from '../../../src/shared/webview.ts';
import type { ChatStore } from '../store.ts';
import type { VsCodeApi } from '../vscodeApi.ts';

/** UTF-16 units that VS Code is given to keep; more, as large images are, stay only while the view is shown. */
const MAX_KEPT = 500_000;

/** What is attached but not sent outlives a view that is hidden, as the text beside it does. */
export function keepAttachments(
  store: Pick<ChatStore, 'attachments'>,
  api: Pick<VsCodeApi, 'getState' | 'setState'>,
): void {
  // Written by this view alone; its other parts keep theirs beside it.
  const state = () => api.getState() as { attachments?: readonly ChosenAttachment[] } | undefined;
  const before = state()?.attachments;
  if (Array.isArray(before)) store.attachments.value = before;
  effect(() => {
    const attachments = store.attachments.value;
    const size = attachments.reduce((sum, { attachment }) => sum + JSON.stringify(attachment).length, 0);
    api.setState({ ...state(), attachments: size > MAX_KEPT ? [] : attachments });
  });
}
