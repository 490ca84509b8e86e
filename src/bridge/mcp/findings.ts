import * as z from 'zod';
import { REVIEW_SEVERITIES } from '../../shared/review.ts';
import type { TurnSnapshot } from '../../shared/session.ts';

/** Findings that one result lists, and the bodies that it has room for (UTF-16 units, together). */
const MAX_FINDINGS = 200;
const MAX_BODIES = 40_000;

export const findingsSchema = z
  .array(
    z.object({
      file: z.string(),
      line: z.int(),
      end_line: z.int(),
      severity: z.enum(REVIEW_SEVERITIES),
      title: z.string(),
      body: z.string().optional(),
    }),
  )
  .describe('What a review found; absent where Codex gave only text');

export type Findings = z.infer<typeof findingsSchema>;

interface ReviewView {
  /** What is said beside the findings; all of it where they have no room. */
  readonly answer: string;
  readonly findings: Findings;
  readonly notices: readonly string[];
}

/** What a turn's review found; undefined where it was none, is not done, or gave no list. */
export function reviewView(turn: TurnSnapshot): ReviewView | undefined {
  const review = turn.items.findLast((item) => item.type === 'review');
  if (review?.findings === undefined) return undefined;
  const { findings, summary = '', text } = review;
  const bodies = findings.reduce((sum, { body }) => sum + body.length, 0);
  const whole = bodies <= MAX_BODIES && findings.length <= MAX_FINDINGS;
  return {
    answer: whole ? summary : text,
    findings: findings.slice(0, MAX_FINDINGS).map(({ file, line, endLine, severity, title, body }) => ({
      file,
      line,
      end_line: endLine,
      severity,
      title,
      ...(whole ? { body } : {}),
    })),
    notices: whole ? [] : ['The review is long: the answer has all of it, the findings only their places.'],
  };
}

/** For clients that know text only. */
export function findingLines(findings: Findings): string[] {
  return findings.flatMap(({ file, line, end_line, severity, title, body }) => {
    const place = end_line > line ? `${file}:${line}-${end_line}` : `${file}:${line}`;
    const head = `- [${severity}] ${title} (${place})`;
    return body === undefined ? [head] : [head, ...body.split('\n').map((one) => `  ${one}`)];
  });
}
