import * as z from 'zod';
import { type SessionSnapshot, type SessionSummary, summaryOf } from '../../shared/session.ts';
import type { BridgeSettings } from '../../shared/settings.ts';
import { usageOf, usageSchema } from './result.ts';

/** A session in lists. Times are ISO 8601. */
export const sessionSummarySchema = z.object({
  session: z.string(),
  title: z.string(),
  state: z.string(),
  turns: z.number(),
  held: z.number().optional(),
  archived: z.boolean(),
  created_at: z.string(),
  updated_at: z.string(),
  model: z.string().optional(),
  forked_from: z.string().optional(),
  context: z.object({ used: z.number(), window: z.number() }).optional(),
  usage: usageSchema,
});

export function summarize(
  session: SessionSummary | SessionSnapshot,
  settings: Pick<BridgeSettings, 'prices' | 'currency'>,
): z.infer<typeof sessionSummarySchema> {
  // Only a snapshot has its turns as a list.
  const summary =
    typeof session.turns === 'number' ? (session as SessionSummary) : summaryOf(session as SessionSnapshot);
  return {
    session: summary.id,
    title: summary.title,
    state: summary.state,
    turns: summary.turns,
    ...(summary.held === undefined ? {} : { held: summary.held }),
    archived: summary.archived,
    created_at: new Date(summary.createdAt).toISOString(),
    updated_at: new Date(summary.updatedAt).toISOString(),
    ...(summary.settings.model === undefined ? {} : { model: summary.settings.model }),
    ...(summary.forkedFrom === undefined ? {} : { forked_from: summary.forkedFrom }),
    ...(summary.context === undefined ? {} : { context: { ...summary.context } }),
    usage: usageOf(summary.usage, summary.settings.model, settings),
  };
}
