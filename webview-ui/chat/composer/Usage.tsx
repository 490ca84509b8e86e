import { t } from '../../l10n.ts';
import type { ChatStore } from '../store.ts';
import { compact } from '../text.ts';

/** Tokens of the session, and how full the model's memory is. */
export function Usage({ store }: { store: ChatStore }) {
  const head = store.head.value;
  if (head === null || head.tokens === 0) return null;
  const { context, tokens } = head;
  const percent = context === undefined ? 0 : Math.round((100 * context.used) / context.window);
  const title =
    context === undefined
      ? t('{0} tokens in this session', tokens)
      : t('{0} tokens in this session; the model holds {1} of {2}', tokens, context.used, context.window);
  return (
    <p class="usage" title={title}>
      {t('{0} tokens', compact(tokens))}
      {context !== undefined && ` · ${t('{0}% of context', percent === 0 ? '<1' : percent)}`}
    </p>
  );
}
