import type { Item } from '../../src/shared/session.ts';
import { Icon } from './Icon.tsx';
import { commandLabel } from './text.ts';
import { Visible } from './Visible.tsx';

/** Longer ones are cut to one line: the item beside it, or the card at its time, has shown all. */
const SUBJECT_LENGTH = 200;

/** What was answered to Codex: a no with its reason, the answers to a question, rights that were given. */
export function Decision({ item }: { item: Extract<Item, { type: 'decision' }> }) {
  const { subject, reason, answers, status, about } = item;
  const short =
    about === 'question' && answers !== undefined
      ? ''
      : oneLine(about === 'command' ? commandLabel(subject) : subject);
  return (
    <div class={`decision ${status}`} data-entry tabIndex={-1}>
      <Icon name={status === 'completed' ? 'pass' : 'circle-slash'} />
      <div>
        <span>{headOf(item)}</span>
        {short !== '' && (
          <>
            {': '}
            <code>
              <Visible text={short} />
            </code>
          </>
        )}
        {reason !== undefined && <p class="words">{reason}</p>}
        {answers !== undefined && (
          <dl>
            {answers.map(({ question, answer }, place) => (
              <div key={place}>
                <dt>{question}</dt>
                <dd>{answer ?? <span class="muted">(a secret, not kept)</span>}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </div>
  );
}

function headOf({ about, decision, by }: Extract<Item, { type: 'decision' }>): string {
  if (by === 'timeout') return 'Declined, because nobody was there to answer';
  switch (decision) {
    case 'accept':
      return about === 'question' ? 'You answered' : 'You accepted, for this turn';
    case 'accept_for_session':
      return 'You accepted, for this session';
    case 'decline':
      return 'You declined';
    case 'cancel':
      return 'You declined and stopped the turn';
  }
}

function oneLine(text: string): string {
  const line = text.trim().replace(/\s*\n\s*/g, ', ');
  return line.length <= SUBJECT_LENGTH ? line : `${line.slice(0, SUBJECT_LENGTH)}…`;
}
