import type { ChatStore } from '../store.ts';
import { compact } from '../text.ts';

/** Tokens of the session, and how full the model's memory is. */
export function Usage({ store }: { store: ChatStore }) {
  const head = store.head.value;
  if (head === null || head.tokens === 0) return null;
  const { context, tokens } = head;
  const percent = context === undefined ? 0 : Math.round((100 * context.used) / context.window);
  const share = context === undefined ? '' : ` · ${percent === 0 ? '<1' : percent}% of context`;
  const title =
    context === undefined
      ? `${tokens} tokens in this session`
      : `${tokens} tokens in this session; the model holds ${context.used} of ${context.window}`;
  return (
    <p class="usage" title={title}>
      {compact(tokens)} tokens{share}
    </p>
  );
}
