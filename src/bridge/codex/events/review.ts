import * as z from 'zod/mini';
import type { ReviewFinding, ReviewSeverity } from '../../../shared/review.ts';
import { shownPath } from './paths.ts';

export interface ParsedReview {
  readonly text: string;
  readonly summary?: string;
  readonly findings?: readonly ReviewFinding[];
}

/** More findings than this are left in the text only. */
const MAX_FINDINGS = 500;

/**
 * A review as Codex gives it (`exitedReviewMode`, seen with 0.169): the model answers with JSON, and Codex makes
 * a text of it. Where the JSON is not quite as Codex wants it, the text is that JSON itself.
 */
export function parseReview(review: string, folder: string): ParsedReview {
  const output = parseJson(review);
  if (output === undefined) return parseText(review, folder);
  const findings = output.findings.slice(0, MAX_FINDINGS).map((one): ReviewFinding => {
    const { start, end } = one.code_location.line_range;
    return {
      ...titled(one.title, one.priority ?? undefined),
      body: one.body,
      file: shownPath(folder, one.code_location.absolute_file_path),
      line: Math.max(1, start),
      endLine: Math.max(1, start, end),
    };
  });
  const summary = output.overall_explanation ?? '';
  return { text: textOf(summary, findings), summary, findings };
}

const line = z.int().check(z.gte(0), z.lte(1e9));
const outputSchema = z.object({
  findings: z.array(
    z.object({
      title: z.string(),
      body: z.string(),
      priority: z.optional(z.nullable(z.int())),
      code_location: z.object({
        absolute_file_path: z.string(),
        line_range: z.object({ start: line, end: line }),
      }),
    }),
  ),
  overall_explanation: z.optional(z.nullable(z.string())),
});

function parseJson(review: string): z.infer<typeof outputSchema> | undefined {
  const text = review.trim();
  if (!text.startsWith('{')) return undefined;
  try {
    const parsed = outputSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // It only looks like JSON: then it is the text of the review.
  }
}

/** What Codex writes between the explanation and the findings. */
const HEADER = /^(?:Full review comments|Review comment):$/;
/** `- [P1] Title — /path/to/file.ts:3-7`; the body follows, each line two columns in. */
const FINDING = /^- (?:\[[ x]\] )?(.+) — (.+):(\d+)-(\d+)$/;

function parseText(text: string, folder: string): ParsedReview {
  const lines = text.split('\n');
  const header = lines.findIndex(
    (one, at) => HEADER.test(one) && lines[at + 1] === '' && FINDING.test(lines[at + 2] ?? ''),
  );
  if (header < 0) return { text };
  const findings: (Omit<ReviewFinding, 'body'> & { body: string[] })[] = [];
  for (const one of lines.slice(header + 1)) {
    const found = FINDING.exec(one);
    const last = findings.at(-1);
    if (found !== null) {
      const [, title = '', path = '', start = '1', end = '1'] = found;
      const from = Math.max(1, Number(start));
      findings.push({
        ...titled(title),
        body: [],
        file: shownPath(folder, path),
        line: from,
        endLine: Math.max(from, Number(end)),
      });
    } else if (last !== undefined) {
      last.body.push(one.startsWith('  ') ? one.slice(2) : one);
    }
  }
  return {
    text,
    summary: lines.slice(0, header).join('\n').trim(),
    findings: findings
      .slice(0, MAX_FINDINGS)
      .map(({ body, ...finding }) => ({ ...finding, body: body.join('\n').trim() })),
  };
}

const SEVERITIES: readonly ReviewSeverity[] = ['critical', 'high', 'medium', 'low'];

/** Codex tells the priority in the title; the number beside it is for where it does not. */
function titled(title: string, priority?: number): Pick<ReviewFinding, 'title' | 'severity'> {
  const [, mark, rest] = /^\[P(\d)\]\s*(.*)$/s.exec(title) ?? [];
  const rank = mark === undefined ? priority : Number(mark);
  const severity = rank === undefined ? undefined : SEVERITIES[rank];
  return { title: rest ?? title, severity: severity ?? 'unrated' };
}

function textOf(summary: string, findings: readonly ReviewFinding[]): string {
  const list = findings.map(({ title, body, file, line, endLine, severity }) => {
    const rank = SEVERITIES.indexOf(severity);
    const mark = rank < 0 ? '' : `[P${rank}] `;
    const indented = body.split('\n').map((one) => `  ${one}`);
    return `- ${mark}${title} — ${file}:${line}-${endLine}\n${indented.join('\n')}`;
  });
  if (list.length === 0) return summary;
  const header = list.length === 1 ? 'Review comment:' : 'Full review comments:';
  return `${summary}\n\n${header}\n\n${list.join('\n\n')}`.trim();
}
