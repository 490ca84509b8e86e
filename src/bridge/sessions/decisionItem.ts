import { recordOf } from '../../shared/questions.ts';
import type {
  AnswerDetails,
  Approval,
  ApprovalDecision,
  ApprovalResolver,
  Item,
  TurnSource,
} from '../../shared/session.ts';

/** How a question came to its end. */
export interface Decided extends AnswerDetails {
  /** Absent where it is not known: Codex was answered elsewhere. */
  readonly decision?: ApprovalDecision;
  readonly by: ApprovalResolver;
  /** Who answered, with `by: 'face'`. */
  readonly who?: TurnSource;
}

/** What the history keeps of a question: all that was asked, how it was decided, by whom and when. */
export function decisionItem(approval: Approval, decided: Decided, at: number): Item {
  const { request } = approval;
  const { decision, by, who, reason, answers = [] } = decided;
  const accepted = decision === 'accept' || decision === 'accept_for_session';
  const fields = request.kind === 'question' ? (request.fields ?? []) : [];
  return {
    type: 'decision',
    id: approval.id,
    // What was answered elsewhere was answered; what its turn's end made void was not.
    status: accepted || by === 'codex' ? 'completed' : by === 'turn_ended' ? 'failed' : 'declined',
    startedAt: approval.createdAt,
    endedAt: at,
    about: request.kind,
    subject: subjectOf(request),
    ...(request.kind === 'command' ? { cwd: request.cwd } : {}),
    ...(request.kind === 'file_change' ? { diff: diffOf(request) } : {}),
    ...(decision === undefined ? {} : { decision }),
    by,
    ...(who === undefined ? {} : { who }),
    ...(reason === undefined ? {} : { reason }),
    ...(accepted && fields.length > 0 ? { answers: recordOf(fields, answers) } : {}),
  };
}

function subjectOf(request: Approval['request']): string {
  switch (request.kind) {
    case 'command':
      return request.command;
    case 'file_change':
      return request.changes.map(({ path }) => path).join('\n');
    case 'permissions':
    case 'question':
      return request.text;
  }
}

function diffOf({ changes, grantRoot }: Extract<Approval['request'], { kind: 'file_change' }>): string {
  const files = changes.map(
    ({ kind, path, movedTo, diff }) =>
      `${kind} ${path}${movedTo === undefined ? '' : ` to ${movedTo}`}\n${diff}`,
  );
  return [...files, ...(grantRoot === undefined ? [] : [`and to write below ${grantRoot}`])].join('\n');
}
