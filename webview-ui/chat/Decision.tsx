import type { Item } from '../../src/shared/session.ts';
import { t } from '../l10n.ts';
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
                <dd>{answer ?? <span class="muted">{t('(a secret, not kept)')}</span>}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </div>
  );
}

function headOf(item: Extract<Item, { type: 'decision' }>): string {
  const { by, who } = item;
  if (by === 'timeout') return t('Declined, because nobody answered in time');
  const what = whatOf(item);
  return who?.kind === 'mcp' ? t('{0} (in {1})', what, sourceText(who).label) : what;
}

function whatOf({ about, decision }: Extract<Item, { type: 'decision' }>): string {
  switch (decision) {
    case 'accept':
      if (about === 'question') return t('You answered');
      return about === 'permissions' ? t('You accepted, for this turn') : t('You accepted');
    case 'accept_for_session':
      return t('You accepted, for this session');
    case 'cancel':
      return t('You declined and stopped the turn');
    default:
      return t('You declined');
  }
}

function oneLine(text: string): string {
  const line = text.trim().replace(/\s*\n\s*/g, ', ');
  return line.length <= SUBJECT_LENGTH ? line : `${line.slice(0, SUBJECT_LENGTH)}…`;
}
