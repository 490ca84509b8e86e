import './review.css';
import type { ReviewFinding } from '../../src/shared/review.ts';
import type { Item } from '../../src/shared/session.ts';
import { Icon } from './Icon.tsx';
import { Markdown } from './Markdown.tsx';

type ReviewItem = Extract<Item, { type: 'review' }>;

/** A review with its findings, each with its place in the files. */
export function Review({ item }: { item: ReviewItem }) {
  const { findings = [], summary = '' } = item;
  return (
    <section class="review" aria-label="Review">
      <div class="answer" data-entry tabIndex={-1}>
        {summary !== '' && <Markdown text={summary} />}
        {findings.length === 0 && (
          <p class="none">
            <Icon name="pass" /> Nothing to correct.
          </p>
        )}
      </div>
      {findings.length > 0 && (
        <ol class="findings" aria-label={findings.length === 1 ? '1 finding' : `${findings.length} findings`}>
          {findings.map((finding, place) => (
            <Finding key={place} finding={finding} />
          ))}
        </ol>
      )}
    </section>
  );
}

const SEVERITY_ICONS = {
  critical: 'error',
  high: 'warning',
  medium: 'warning',
  low: 'info',
  unrated: 'info',
} as const;

function Finding({ finding }: { finding: ReviewFinding }) {
  const { title, body, severity } = finding;
  return (
    <li class={`finding ${severity}`} data-entry tabIndex={-1}>
      <p class="head">
        <Icon name={SEVERITY_ICONS[severity]} />
        <span class="wrong">{title}</span>
        {severity !== 'unrated' && <span class="severity">{severity}</span>}
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
    <a href={href} title={`Open ${file} at line ${line}`}>
      {text}
    </a>
  );
}
