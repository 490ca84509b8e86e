import * as z from 'zod/mini';
import type { SessionEvent } from '../../shared/events.ts';
import type { PlanStep } from '../../shared/session.ts';

/** What the final answer of a plan must be (Codex: `outputSchema` of `turn/start`, strict: all is required). */
export const PLAN_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['summary', 'steps'],
  properties: {
    summary: {
      type: 'string',
      description: 'What the plan comes to, with what must be decided first and what may go wrong. Markdown.',
    },
    steps: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['step', 'details', 'files'],
        properties: {
          step: { type: 'string', description: 'What to do, in one line' },
          details: { type: 'string', description: 'How, where it is not plain; else empty' },
          files: { type: 'array', items: { type: 'string' }, description: 'Files to change or add' },
        },
      },
    },
  },
};

const planSchema = z.object({
  summary: z.string(),
  steps: z.array(z.object({ step: z.string(), details: z.string(), files: z.array(z.string()) })),
});

type Plan = z.infer<typeof planSchema>;

/**
 * Makes an answer in JSON what people read: the text becomes Markdown and the steps the turn's plan. What is no
 * plan stays as it is. Of JSON nothing is told while it streams.
 */
export function planShaper(): (event: SessionEvent) => readonly SessionEvent[] {
  /** The beginnings of messages: whether they are JSON. */
  const json = new Map<string, boolean>();
  return (event) => {
    if (event.type === 'item.delta' && event.field === 'text') {
      if (!json.has(event.item) && event.text.trim() !== '') {
        json.set(event.item, event.text.trimStart().startsWith('{'));
      }
      return json.get(event.item) === true ? [] : [event];
    }
    if (event.type !== 'item.completed' || event.item.type !== 'agent_message') return [event];
    const plan = parsePlan(event.item.text);
    if (plan === undefined) return [event];
    const steps = plan.steps.map(
      ({ step, details, files }): PlanStep => ({
        step,
        status: 'pending',
        ...(details === '' ? {} : { details }),
        ...(files.length === 0 ? {} : { files }),
      }),
    );
    return [
      { ...event, item: { ...event.item, text: markdownOf(plan) } },
      { type: 'turn.plan', turn: event.turn, plan: steps },
    ];
  };
}

function parsePlan(text: string): Plan | undefined {
  try {
    const parsed = planSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined; // No JSON: a model that does not know about schemas answers in words.
  }
}

function markdownOf({ summary, steps }: Plan): string {
  const list = steps.map(({ step, details, files }, index) => {
    const more = [details, files.map((file) => `\`${file}\``).join(', ')].filter((part) => part !== '');
    const lines = more.flatMap((part) => part.split('\n')).map((line) => (line === '' ? '' : `   ${line}`));
    return [`${index + 1}. ${step}`, ...lines].join('\n');
  });
  return [summary, ...(list.length === 0 ? [] : [list.join('\n')])]
    .filter((part) => part !== '')
    .join('\n\n');
}
