import { useEffect, useState } from 'preact/hooks';
import { type TurnTask, taskText } from '../../src/shared/review.ts';
import { hasEnded, type PlanStep, type TurnSnapshot } from '../../src/shared/session.ts';
import { locale, t } from '../l10n.ts';
import { ErrorText } from './ErrorText.tsx';
import { Icon } from './Icon.tsx';
import { Items } from './Items.tsx';
import { memo } from './memo.ts';
import type { ChatStore, TurnSlot } from './store.ts';
import { compact, duration, sourceText, usageText, wholeSeconds } from './text.ts';

interface TurnProps {
  readonly slot: TurnSlot;
  readonly store: ChatStore;
  /** Items at its beginning that are not drawn yet, whole groups; the prompt comes with the first of them. */
  readonly skip: number;
}

/** One prompt and all that Codex did until it was done. */
export const Turn = memo(({ slot, store, skip }: TurnProps) => (
  <TurnBody slot={slot} store={store} skip={skip} />
));

function TurnBody({ slot, store, skip }: TurnProps) {
  const turn = slot.turn.value;
  const whole = skip === 0;
  return (
    <article class={`turn ${turn.status}`} data-turn={turn.id} data-status={turn.status}>
      {whole && <Prompt turn={turn} />}
      {turn.notices.map((notice) => (
        <p key={notice.text} class="notice" data-entry tabIndex={-1}>
          <Icon name={notice.kind === 'warning' ? 'warning' : 'info'} />
          <span>{notice.text}</span>
        </p>
      ))}
      <Items items={turn.items} skip={skip} />
      {!hasEnded(turn.status) && <PendingSteers turn={turn} store={store} />}
      {turn.plan.length > 0 && <Plan plan={turn.plan} ended={hasEnded(turn.status)} />}
      <End turn={turn} store={store} />
    </article>
  );
}

/** Codex takes up what was added at its next step; until then it must not look lost. */
function PendingSteers({ turn, store }: { turn: TurnSnapshot; store: ChatStore }) {
  const taken = turn.items.flatMap((item) => (item.type === 'user_message' ? [item.text] : []));
  const pending = store.steers.value.filter((steer) => steer.turn === turn.id && !taken.includes(steer.text));
  return (
    <>
      {pending.map(({ text }, place) => (
        <p key={place} class="steer pending">
          <Icon name="clock" /> {text} <span class="muted">{t('(at its next step)')}</span>
        </p>
      ))}
    </>
  );
}

function Prompt({ turn }: { turn: TurnSnapshot }) {
  const who = sourceText(turn.source);
  return (
    <article
      class="prompt"
      data-entry
      tabIndex={-1}
      aria-label={t('{0} asked', who.label)}
      aria-describedby={`prompt-${turn.id}`}
    >
      <div class="who">
        <Icon name={who.icon} />
        <span class="name">{who.label}</span>
        <time title={new Date(turn.createdAt).toLocaleString(locale)}>
          {new Date(turn.createdAt).toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' })}
        </time>
      </div>
      <div class="text" id={`prompt-${turn.id}`}>
        {turn.task === undefined ? turn.prompt : taskText(turn.task, t)}
      </div>
      {turn.attachments.length > 0 && (
        <ul class="attachments">
          {turn.attachments.map((attachment) => (
            <li key={attachment.label}>
              <Icon name={attachment.kind === 'image' ? 'file-media' : 'file'} /> {attachment.label}
            </li>
          ))}
        </ul>
      )}
    </article>
  );
}

const STEPS: Readonly<Record<PlanStep['status'], { icon: string; label: string }>> = {
  pending: { icon: 'circle-large', label: t('pending:') },
  in_progress: { icon: 'play-circle', label: t('in progress:') },
  completed: { icon: 'pass-filled', label: t('completed:') },
};

/** Open while Codex follows it, one line afterwards. */
const Plan = memo(({ plan, ended }: { plan: readonly PlanStep[]; ended: boolean }) => {
  const done = plan.filter(({ status }) => status === 'completed').length;
  const steps = (
    <ol>
      {plan.map(({ step, status }) => (
        <li key={step} class={status}>
          <Icon name={STEPS[status].icon} />
          <span>
            <span class="sr-only">{STEPS[status].label} </span>
            {step}
          </span>
        </li>
      ))}
    </ol>
  );
  return (
    <section class="plan" aria-label={t('Plan')} {...(ended ? {} : { 'data-entry': true, tabIndex: -1 })}>
      {ended ? (
        <details>
          <summary data-entry tabIndex={-1}>
            {t('Plan: {0} of {1} steps done', done, plan.length)}
          </summary>
          {steps}
        </details>
      ) : (
        steps
      )}
    </section>
  );
});

function End({ turn, store }: { turn: TurnSnapshot; store: ChatStore }) {
  if (!hasEnded(turn.status)) return <Running turn={turn} />;
  if (turn.status === 'failed' || turn.status === 'interrupted') {
    return <Failure turn={turn} store={store} />;
  }
  const facts = [
    ...(turn.status === 'cancelled' ? [t('Stopped')] : []),
    ...(turn.startedAt === undefined || turn.endedAt === undefined
      ? []
      : [duration(turn.endedAt - turn.startedAt)]),
    ...(turn.usage.total > 0 ? [t('{0} tokens', compact(turn.usage.total))] : []),
  ];
  if (facts.length === 0) return null;
  return (
    <p class="end" title={usageText(turn.usage)}>
      {facts.join(' · ')}
    </p>
  );
}

function Failure({ turn, store }: { turn: TurnSnapshot; store: ChatStore }) {
  const interrupted = turn.status === 'interrupted';
  return (
    <div class={interrupted ? 'problem warning' : 'problem'} role="alert" data-entry tabIndex={-1}>
      <Icon name={interrupted ? 'debug-disconnect' : 'error'} />
      <div>
        {turn.error !== undefined ? (
          <ErrorText error={turn.error} />
        ) : (
          <p>
            {interrupted
              ? t('The turn was cut off. What came so far is above; ask again to go on.')
              : t('The turn failed.')}
          </p>
        )}
        <p class="actions">
          {turn.error !== undefined && <code>{turn.error.code}</code>}
          <button
            type="button"
            class="link-button"
            onClick={() => void store.ask('action', { name: 'show_log' })}
          >
            {t('Show log')}
          </button>
        </p>
      </div>
    </div>
  );
}

function Running({ turn }: { turn: TurnSnapshot }) {
  const now = useSeconds(turn.startedAt !== undefined);
  if (turn.status === 'queued') {
    return (
      <p class="status" role="status">
        <Icon name="clock" />
        <span class="what">{turn.held === true ? t('Not sent yet') : t('Waiting for its turn')}</span>
      </p>
    );
  }
  const waiting = turn.status === 'waiting_for_approval';
  return (
    <p class="status" role="status">
      <Icon name={waiting ? 'question' : 'loading'} spin={!waiting} />
      <span class="what">{waiting ? t('Waiting for your decision') : activity(turn)}</span>
      {turn.startedAt !== undefined && now - turn.startedAt >= 2000 && (
        <span class="time" aria-hidden="true">
          {wholeSeconds(now - turn.startedAt)}
        </span>
      )}
    </p>
  );
}

function doing(task: TurnTask): string {
  return task.kind === 'review' ? t('Reviewing') : t('Making the conversation shorter');
}

/** What Codex does now, in few words. */
function activity(turn: TurnSnapshot): string {
  const item = turn.items.at(-1);
  if (item === undefined || item.status !== 'running')
    return turn.task === undefined ? t('Thinking') : doing(turn.task);
  switch (item.type) {
    case 'command':
      return t('Running a command');
    case 'file_change':
      return t('Editing files');
    case 'agent_message':
      return t('Writing');
    case 'tool_call':
      return t('Using {0}', item.tool);
    case 'web_search':
      return t('Searching the web');
    default:
      return t('Thinking');
  }
}

/** The time, told each second while it is wanted. */
function useSeconds(wanted: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!wanted) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [wanted]);
  return now;
}
