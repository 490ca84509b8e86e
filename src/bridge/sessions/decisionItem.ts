import { recordOf } from '../../shared/questions.ts';
import type { AnswerDetails, Approval, ApprovalDecision, Item } from '../../shared/session.ts';

interface Decided extends AnswerDetails {
  readonly decision: ApprovalDecision;
  readonly by: 'face' | 'timeout';
}

/**
 * What the transcript says of a decision; undefined where Codex's own item says it: a command that ran or was
 * declined, a patch that was applied or not.
 */
export function decisionItem(approval: Approval, decided: Decided, at: number): Item | undefined {
  const { request } = approval;
  const { decision, by, reason, answers = [] } = decided;
  const toldByCodex = request.kind === 'command' || request.kind === 'file_change';
  if (toldByCodex && reason === undefined) return undefined;
  const accepted = decision === 'accept' || decision === 'accept_for_session';
  const fields = request.kind === 'question' ? (request.fields ?? []) : [];
  return {
    type: 'decision',
    id: approval.id,
    status: accepted ? 'completed' : 'declined',
    startedAt: approval.createdAt,
    endedAt: at,
    about: request.kind,
    subject: subjectOf(request),
    decision,
    by,
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
