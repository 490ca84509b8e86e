import './approvals.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type FieldProblem, problemsOf } from '../../src/shared/questions.ts';
import {
  type AnswerDetails,
  type Approval,
  type ApprovalDecision,
  MAX_ANSWER_LENGTH,
} from '../../src/shared/session.ts';
import { rich, t } from '../l10n.ts';
import { Changes } from './Diff.tsx';
import { Icon } from './Icon.tsx';
import { answersOf, type Drafts, Field, firstDrafts, inputId } from './QuestionFields.tsx';
import type { ChatStore } from './store.ts';
import { Visible } from './Visible.tsx';

const LABELS: Readonly<Record<ApprovalDecision, string>> = {
  accept: t('Accept'),
  accept_for_session: t('Accept for session'),
  decline: t('Decline'),
  cancel: t('Decline and stop'),
};

/** How long a card that has taken another's place can't be answered, in ms: a second click was not meant for it. */
const UNREAD_MS = 500;

const TITLES: Readonly<Record<Approval['request']['kind'], string>> = {
  command: t('Codex wants to run a command'),
  file_change: t('Codex wants to change files'),
  permissions: t('Codex wants more rights'),
  question: t('Codex has a question'),
};

/** What waits for the person's decision, above the composer so that it is never scrolled away. */
export function Approvals({ store }: { store: ChatStore }) {
  const session = store.head.value?.id;
  const approvals = store.approvals.value;
  const first = approvals[0];
  const card = useRef<HTMLElement>(null);
  /** The person answered from within the card: the keyboard must not be left nowhere. */
  const refocus = useRef(false);
  useEffect(() => {
    if (!refocus.current) return;
    refocus.current = false;
    (card.current ?? document.querySelector<HTMLElement>('.composer textarea'))?.focus();
  }, [first?.id]);
  /** The card that is shown, as long as one is. */
  const shown = useRef<string | undefined>(undefined);
  const follows = shown.current !== undefined && shown.current !== first?.id;
  useEffect(() => {
    shown.current = first?.id;
  }, [first?.id]);
  const reviewing = store.reviewing.value;
  useEffect(() => {
    if (!reviewing || card.current === null) return;
    store.reviewing.value = false;
    card.current.focus();
  }, [reviewing, first?.id]);
  if (session === undefined || first === undefined) return null;
  const answer = async (decision: ApprovalDecision, details: AnswerDetails) => {
    refocus.current = card.current?.contains(document.activeElement) === true;
    const { reason, answers } = details;
    const done = await store.ask('approval.answer', {
      session,
      approval: first.id,
      decision,
      ...(reason === undefined ? {} : { reason }),
      ...(answers === undefined
        ? {}
        : { answers: answers.map(({ id, value }) => ({ id, value: copyOf(value) })) }),
    });
    if (done === undefined) refocus.current = false;
    return done !== undefined;
  };
  const title = TITLES[first.request.kind];
  return (
    <section class="approval" role="alertdialog" aria-label={title} tabIndex={-1} ref={card}>
      <h2>
        <Icon name={first.request.kind === 'question' ? 'question' : 'shield'} /> {title}
        {approvals.length > 1 && <span class="muted"> {t('({0} more)', approvals.length - 1)}</span>}
      </h2>
      <Card
        key={first.id}
        approval={first}
        follows={follows}
        answer={answer}
        openLink={(href) => store.ask('link.open', { href })}
      />
    </section>
  );
}

function copyOf<T>(value: T | readonly string[]): T | string[] {
  return Array.isArray(value) ? [...value] : (value as T); // the lists are all that is readonly
}

interface CardProps {
  readonly approval: Approval;
  /** Another card was in its place a moment ago. */
  readonly follows: boolean;
  /** @returns whether it was taken */
  readonly answer: (decision: ApprovalDecision, details: AnswerDetails) => Promise<boolean>;
  readonly openLink: (href: string) => Promise<unknown>;
}

function Card({ approval, follows, answer, openLink }: CardProps) {
  const { request, decisions } = approval;
  const fields = (request.kind === 'question' ? request.fields : undefined) ?? [];
  const url = request.kind === 'question' ? request.url : undefined;
  const [sent, setSent] = useState(false);
  const [unread, setUnread] = useState(follows);
  useEffect(() => {
    if (!unread) return;
    const timer = setTimeout(() => setUnread(false), UNREAD_MS);
    return () => clearTimeout(timer);
  }, [unread]);
  const closed = sent || unread;
  const [drafts, setDrafts] = useState<Drafts>(() => firstDrafts(fields));
  const [problems, setProblems] = useState<readonly FieldProblem[]>([]);
  /** The reason as it is being written; null: none is. */
  const [why, setWhy] = useState<string | null>(null);

  const send = async (decision: ApprovalDecision, details: AnswerDetails = {}) => {
    setSent(true);
    if (!(await answer(decision, details))) setSent(false);
  };
  const accept = async () => {
    const answers = answersOf(fields, drafts);
    const wrong = problemsOf(fields, answers, t);
    setProblems(wrong);
    const first = fields.findIndex(({ id }) => id === wrong[0]?.id);
    if (first >= 0) {
      document.getElementById(inputId(first))?.focus();
      return;
    }
    if (url !== undefined) await openLink(url);
    await send('accept', fields.length === 0 ? {} : { answers });
  };
  const no = (decision: 'decline' | 'cancel') =>
    void send(decision, why === null || why.trim() === '' ? {} : { reason: why });

  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (closed) return;
        if (why !== null) no('decline');
        else if (decisions.includes('accept')) void accept();
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || why === null) return;
        event.stopPropagation();
        setWhy(null);
      }}
    >
      <div class="scrolls">
        <Request approval={approval} />
        {approval.reason !== undefined && (
          <p class="reason">
            <Visible text={approval.reason} />
          </p>
        )}
        {why === null &&
          fields.map((field, place) => (
            <Field
              key={field.id}
              field={field}
              place={place}
              draft={drafts[field.id]}
              problem={problems.find(({ id }) => id === field.id)?.problem}
              onDraft={(draft) => {
                setDrafts({ ...drafts, [field.id]: draft });
                setProblems(problems.filter(({ id }) => id !== field.id));
              }}
            />
          ))}
        {why !== null && <Why text={why} onText={setWhy} onSend={() => no('decline')} />}
      </div>
      {why === null ? (
        <div class="buttons">
          {decisions.map((decision) =>
            decision === 'accept' ? (
              <button key={decision} type="submit" class="primary" disabled={closed}>
                {fields.length > 0
                  ? t('Answer')
                  : url === undefined
                    ? LABELS.accept
                    : t('Open page and accept')}
              </button>
            ) : (
              <button
                key={decision}
                type="button"
                class="secondary"
                disabled={closed}
                onClick={() => void send(decision)}
              >
                {LABELS[decision]}
              </button>
            ),
          )}
          <button type="button" class="secondary" disabled={closed} onClick={() => setWhy('')}>
            {t('Decline and say why…')}
          </button>
        </div>
      ) : (
        <div class="buttons">
          <button type="submit" class="primary" disabled={closed || why.trim() === ''}>
            {t('Decline and go on')}
          </button>
          <button
            type="button"
            class="secondary"
            disabled={closed || why.trim() === ''}
            onClick={() => no('cancel')}
          >
            {LABELS.cancel}
          </button>
          <button type="button" class="secondary" disabled={closed} onClick={() => setWhy(null)}>
            {t('Back')}
          </button>
        </div>
      )}
    </form>
  );
}

/** Where the reason of a no is written. Enter sends, as in the composer. */
function Why(props: { text: string; onText: (text: string) => void; onSend: () => void }) {
  const { text, onText, onSend } = props;
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => area.current?.focus(), []);
  return (
    <div class="why">
      <label for="decline-reason">{t('Why not, and what instead?')}</label>
      <textarea
        id="decline-reason"
        ref={area}
        rows={3}
        maxLength={MAX_ANSWER_LENGTH}
        aria-describedby="decline-reason-hint"
        value={text}
        onInput={(event) => onText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          if (text.trim() !== '') onSend();
        }}
      />
      <p class="muted" id="decline-reason-hint">
        {t('Codex reads it and goes on. With “{0}” it becomes your next prompt.', LABELS.cancel)}
      </p>
    </div>
  );
}

function Request({ approval }: { approval: Approval }) {
  const { request } = approval;
  switch (request.kind) {
    case 'command':
      return (
        <>
          <pre class="exact">
            <Visible text={request.command} />
          </pre>
          <p class="muted where">{rich('in {0}', <Visible text={request.cwd} />)}</p>
        </>
      );
    case 'file_change':
      return (
        <div class="exact">
          <Changes changes={request.changes} open={request.changes.length === 1} />
          {request.grantRoot !== undefined && (
            <p>{rich('and to write below {0} from now on', <Visible text={request.grantRoot} />)}</p>
          )}
        </div>
      );
    case 'question':
      if (request.fields !== undefined) {
        return request.intro === undefined ? null : (
          <p class="intro">
            <Visible text={request.intro} />
          </p>
        );
      }
      return <Exact text={request.text} />;
    case 'permissions':
      return <Exact text={request.text} />;
  }
}

function Exact({ text }: { text: string }) {
  return (
    <pre class="exact">
      <Visible text={text} />
    </pre>
  );
}
