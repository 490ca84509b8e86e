import { useState } from 'preact/hooks';
import type { Approval, ApprovalDecision } from '../../src/shared/session.ts';
import { Changes } from './Diff.tsx';
import { Icon } from './Icon.tsx';
import type { ChatStore } from './store.ts';
import { Visible } from './Visible.tsx';

const LABELS: Readonly<Record<ApprovalDecision, string>> = {
  accept: 'Accept',
  accept_for_session: 'Accept for session',
  decline: 'Decline',
  cancel: 'Decline and stop',
};

const TITLES: Readonly<Record<Approval['request']['kind'], string>> = {
  command: 'Codex wants to run a command',
  file_change: 'Codex wants to change files',
  permissions: 'Codex wants more rights',
  question: 'Codex has a question',
};

/** What waits for the person's decision, above the composer so that it is never scrolled away. */
export function Approvals({ store }: { store: ChatStore }) {
  const session = store.head.value?.id;
  const approvals = store.approvals.value;
  const first = approvals[0];
  if (session === undefined || first === undefined) return null;
  return <Card key={first.id} approval={first} more={approvals.length - 1} store={store} session={session} />;
}

function Card({
  approval,
  more,
  store,
  session,
}: {
  approval: Approval;
  more: number;
  store: ChatStore;
  session: string;
}) {
  const [sent, setSent] = useState(false);
  const answer = async (decision: ApprovalDecision) => {
    setSent(true);
    const done = await store.ask('approval.answer', { session, approval: approval.id, decision });
    if (done === undefined) setSent(false);
  };
  const title = TITLES[approval.request.kind];
  return (
    <section class="approval" role="alertdialog" aria-label={title}>
      <h2>
        <Icon name="shield" /> {title}
        {more > 0 && <span class="muted"> ({more} more)</span>}
      </h2>
      <Request approval={approval} />
      {approval.reason !== undefined && (
        <p class="reason">
          <Visible text={approval.reason} />
        </p>
      )}
      <div class="buttons">
        {approval.decisions.map((decision) => (
          <button
            key={decision}
            type="button"
            class={decision === 'accept' ? 'primary' : 'secondary'}
            disabled={sent}
            onClick={() => void answer(decision)}
          >
            {LABELS[decision]}
          </button>
        ))}
      </div>
    </section>
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
          <p class="muted where">
            in <Visible text={request.cwd} />
          </p>
        </>
      );
    case 'file_change':
      return (
        <div class="exact">
          <Changes changes={request.changes} open={request.changes.length === 1} />
          {request.grantRoot !== undefined && (
            <p>
              and to write below <Visible text={request.grantRoot} /> from now on
            </p>
          )}
        </div>
      );
    case 'permissions':
    case 'question':
      return (
        <pre class="exact">
          <Visible text={request.text} />
        </pre>
      );
  }
}
