import { useEffect, useState } from 'preact/hooks';
import type { TurnTask } from '../../src/shared/review.ts';
import { hasEnded, type PlanStep, type TurnSnapshot } from '../../src/shared/session.ts';
import { Icon } from './Icon.tsx';
import { Items } from './Items.tsx';
import { memo } from './memo.ts';
import type { ChatStore, TurnSlot } from './store.ts';
import { compact, duration, sourceText, usageText } from './text.ts';

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
          <Icon name="clock" /> {text} <span class="muted">(at its next step)</span>
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
      aria-label={`${who.label} asked`}
      aria-describedby={`prompt-${turn.id}`}
    >
      <div class="who">
        <Icon name={who.icon} />
        <span class="name">{who.label}</span>
        <time title={new Date(turn.createdAt).toLocaleString()}>
          {new Date(turn.createdAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}
        </time>
      </div>
      <div class="text" id={`prompt-${turn.id}`}>
        {turn.prompt}
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

const STEP_ICONS = { pending: 'circle-large', in_progress: 'play-circle', completed: 'pass-filled' } as const;

/** Open while Codex follows it, one line afterwards. */
const Plan = memo(({ plan, ended }: { plan: readonly PlanStep[]; ended: boolean }) => {
  const done = plan.filter(({ status }) => status === 'completed').length;
  const steps = (
    <ol>
      {plan.map(({ step, status }) => (
        <li key={step} class={status}>
          <Icon name={STEP_ICONS[status]} />
          <span>
            <span class="sr-only">{status.replace('_', ' ')}: </span>
            {step}
          </span>
        </li>
      ))}
    </ol>
  );
  return (
    <section class="plan" aria-label="Plan" {...(ended ? {} : { 'data-entry': true, tabIndex: -1 })}>
      {ended ? (
        <details>
          <summary data-entry tabIndex={-1}>
            Plan: {done} of {plan.length} steps done
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
    ...(turn.status === 'cancelled' ? ['Stopped'] : []),
    ...(turn.startedAt === undefined || turn.endedAt === undefined
      ? []
      : [duration(turn.endedAt - turn.startedAt)]),
    ...(turn.usage.total > 0 ? [`${compact(turn.usage.total)} tokens`] : []),
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
  const message =
    turn.error?.message ??
    (interrupted
      ? 'The turn was cut off. What came so far is above; ask again to go on.'
      : 'The turn failed.');
  return (
    <div class={interrupted ? 'problem warning' : 'problem'} role="alert" data-entry tabIndex={-1}>
      <Icon name={interrupted ? 'debug-disconnect' : 'error'} />
      <div>
        <p>{message}</p>
        <p class="actions">
          {turn.error !== undefined && <code>{turn.error.code}</code>}
          <button
            type="button"
            class="link-button"
            onClick={() => void store.ask('action', { name: 'show_log' })}
          >
            Show log
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
        <span class="what">Waiting for its turn</span>
      </p>
    );
  }
  const waiting = turn.status === 'waiting_for_approval';
  return (
    <p class="status" role="status">
      <Icon name={waiting ? 'question' : 'loading'} spin={!waiting} />
      <span class="what">{waiting ? 'Waiting for your decision' : activity(turn)}</span>
      {turn.startedAt !== undefined && now - turn.startedAt >= 2000 && (
        <span class="time" aria-hidden="true">
          {duration(Math.floor((now - turn.startedAt) / 1000) * 1000).replace('.0', '')}
        </span>
      )}
    </p>
  );
}

function doing(task: TurnTask): string {
  return task.kind === 'review' ? 'Reviewing' : 'Making the conversation shorter';
}

/** What Codex does now, in few words. */
function activity(turn: TurnSnapshot): string {
  const item = turn.items.at(-1);
  if (item === undefined || item.status !== 'running')
    return turn.task === undefined ? 'Thinking' : doing(turn.task);
  switch (item.type) {
    case 'command':
      return 'Running a command';
    case 'file_change':
      return 'Editing files';
    case 'agent_message':
      return 'Writing';
    case 'tool_call':
      return `Using ${item.tool}`;
    case 'web_search':
      return 'Searching the web';
    default:
      return 'Thinking';
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
