import './review.css';
import type { ReviewFinding } from '../../src/shared/review.ts';
import type { Item } from '../../src/shared/session.ts';
import { t } from '../l10n.ts';
import { Icon } from './Icon.tsx';
import { Markdown } from './Markdown.tsx';

type ReviewItem = Extract<Item, { type: 'review' }>;

/** A review with its findings, each with its place in the files. */
export function Review({ item }: { item: ReviewItem }) {
  const { findings = [], summary = '' } = item;
  return (
    <section class="review" aria-label={t('Review')}>
      <div class="answer" data-entry tabIndex={-1}>
        {summary !== '' && <Markdown text={summary} />}
        {findings.length === 0 && (
          <p class="none">
            <Icon name="pass" /> {t('Nothing to correct.')}
          </p>
        )}
      </div>
      {findings.length > 0 && (
        <ol
          class="findings"
          aria-label={findings.length === 1 ? t('1 finding') : t('{0} findings', findings.length)}
        >
          {findings.map((finding, place) => (
            <Finding key={place} finding={finding} />
          ))}
        </ol>
      )}
    </section>
  );
}

const SEVERITIES: Readonly<Record<ReviewFinding['severity'], { icon: string; label: string }>> = {
  critical: { icon: 'error', label: t('critical') },
  high: { icon: 'warning', label: t('high') },
  medium: { icon: 'warning', label: t('medium') },
  low: { icon: 'info', label: t('low') },
  unrated: { icon: 'info', label: '' },
};

function Finding({ finding }: { finding: ReviewFinding }) {
  const { title, body, severity } = finding;
  return (
    <li class={`finding ${severity}`} data-entry tabIndex={-1}>
      <p class="head">
        <Icon name={SEVERITIES[severity].icon} />
        <span class="wrong">{title}</span>
        {severity !== 'unrated' && <span class="severity">{SEVERITIES[severity].label}</span>}
      </p>
      <p class="place">
        <Place finding={finding} />
      </p>
      {body !== '' && <Markdown text={body} />}
    </li>
  );
}

function Place({ finding: { file, line, endLine } }: { finding: ReviewFinding }) {
  const text = endLine > line ? `${file}:${line}-${endLine}` : `${file}:${line}`;
  // What lies outside of the folder is nothing that this window would open.
  if (/^(\/|[A-Za-z]:)/.test(file)) return <code>{text}</code>;
  const href = `${file.split('/').map(encodeURIComponent).join('/')}#L${line}`;
  return (
    <a href={href} title={t('Open {0} at line {1}', file, String(line))}>
      {text}
    </a>
  );
}
