import type { Item } from '../../src/shared/session.ts';
import { Icon } from './Icon.tsx';
import { commandLabel, sourceText } from './text.ts';
import { Visible } from './Visible.tsx';

/** Longer ones are cut to one line: the item beside it, or the card at its time, has shown all. */
const SUBJECT_LENGTH = 200;

/**
 * What became of a question of Codex's: a no with its reason, answers, rights that were given, or that somebody
 * else decided. What this person did to a command or a patch is seen from that item itself.
 */
export function Decision({ item }: { item: Extract<Item, { type: 'decision' }> }) {
  const { subject, reason, answers, status, about, by, who } = item;
  const seenAbove = about === 'command' || about === 'file_change';
  const byOthers = by === 'timeout' || who?.kind === 'mcp';
  if (by === 'turn_ended' || by === 'codex') return null;
  if (seenAbove && reason === undefined && !byOthers) return null;
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

function headOf({ about, decision, by, who }: Extract<Item, { type: 'decision' }>): string {
  if (by === 'timeout') return 'Declined, because nobody answered in time';
  const where = who?.kind === 'mcp' ? ` (in ${sourceText(who).label})` : '';
  switch (decision) {
    case 'accept':
      if (about === 'question') return `You answered${where}`;
      return `${about === 'permissions' ? 'You accepted, for this turn' : 'You accepted'}${where}`;
    case 'accept_for_session':
      return `You accepted, for this session${where}`;
    case 'cancel':
      return `You declined and stopped the turn${where}`;
    default:
      return `You declined${where}`;
  }
}

function oneLine(text: string): string {
  const line = text.trim().replace(/\s*\n\s*/g, ', ');
  return line.length <= SUBJECT_LENGTH ? line : `${line.slice(0, SUBJECT_LENGTH)}…`;
}
