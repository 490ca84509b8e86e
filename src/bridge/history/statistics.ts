import type { Statistics } from '../../shared/faces.ts';
import { NO_USAGE, type TokenUsage } from '../../shared/session.ts';
import type { BridgeSettings } from '../../shared/settings.ts';
import type { HistoryStore, HistoryTotals } from '../ports.ts';
import type { Database, Row } from './database.ts';
import { numberOf, textOf } from './rows.ts';

/** Key of turns without a model's name: taken from the queue, or failed before Codex told it. */
export const NO_MODEL = 'unknown';

type Prices = Pick<BridgeSettings, 'prices' | 'currency'>;
type Price = BridgeSettings['prices'][string];

export function totalsOf(db: Database): HistoryTotals {
  const sessions = db.get('SELECT count(*) AS n, coalesce(sum(archived), 0) AS archived FROM sessions') ?? {};
  const byStatus = new Map<string, number>();
  const byModel = new Map<string, { turns: number; usage: TokenUsage }>();
  // Apart, so that those which have ended come from an index of what is counted, and not from a million items.
  for (const open of [0, 1]) {
    for (const row of db.all(countedBy(open))) {
      const [status, model, turns] = [textOf(row, 'status'), textOf(row, 'model'), numberOf(row, 'turns')];
      byStatus.set(status, (byStatus.get(status) ?? 0) + turns);
      const known = byModel.get(model) ?? { turns: 0, usage: NO_USAGE };
      byModel.set(model, { turns: known.turns + turns, usage: add(known.usage, usageOf(row)) });
    }
  }
  const durations = durationsIn(db);
  return {
    sessions: numberOf(sessions, 'n'),
    archived: numberOf(sessions, 'archived'),
    byStatus,
    durations,
    byModel,
  };
}

/** As one text: a hundred thousand rows would take ten times as long. */
function durationsIn(db: Database): number[] {
  const row = db.get(
    `SELECT json_group_array(ended_at - started_at) AS ms FROM turns
     WHERE open = 0 AND started_at IS NOT NULL AND ended_at IS NOT NULL`,
  );
  // Numbers by the columns' own types.
  const all = JSON.parse(row === undefined ? '[]' : textOf(row, 'ms')) as number[];
  // The clock of the wall may have been put back in between.
  return all.map((ms) => Math.max(0, ms));
}

/** SQLite uses an index with a condition only where the statement has the same condition, as it stands. */
function countedBy(open: number): string {
  return `SELECT status, coalesce(model, '${NO_MODEL}') AS model, count(*) AS turns, sum(input) AS input,
       sum(cached_input) AS cached_input, sum(output) AS output, sum(reasoning_output) AS reasoning_output,
       sum(total) AS total
     FROM turns WHERE open = ${open} GROUP BY status, model`;
}

function usageOf(row: Row): TokenUsage {
  return {
    input: numberOf(row, 'input'),
    cachedInput: numberOf(row, 'cached_input'),
    output: numberOf(row, 'output'),
    reasoningOutput: numberOf(row, 'reasoning_output'),
    total: numberOf(row, 'total'),
  };
}

/**
 * Statistics of one folder or of several together. Percentiles are taken over all turns (nearest rank), not
 * from the folders' own. A cost is told only where every model that used tokens has a price.
 */
export function statisticsOf(folders: readonly HistoryTotals[], settings: Prices): Statistics {
  const total = sum(folders.map((folder) => folder.sessions));
  const archived = sum(folders.map((folder) => folder.archived));
  const byStatus: Record<string, number> = {};
  const models = new Map<string, { turns: number; usage: TokenUsage }>();
  for (const folder of folders) {
    for (const [status, n] of folder.byStatus) byStatus[status] = (byStatus[status] ?? 0) + n;
    for (const [model, more] of folder.byModel) {
      const known = models.get(model) ?? { turns: 0, usage: NO_USAGE };
      models.set(model, { turns: known.turns + more.turns, usage: add(known.usage, more.usage) });
    }
  }
  const priced = [...models].map(([model, totals]) => {
    const price = Object.hasOwn(settings.prices, model) ? settings.prices[model] : undefined;
    return { model, ...totals, price };
  });
  const known = priced.every(({ price, usage }) => price !== undefined || usage.total === 0);
  const amount = sum(priced.map(({ price, usage }) => (price === undefined ? 0 : costOf(usage, price))));
  return {
    sessions: { total, active: total - archived, archived },
    turns: {
      total: sum(Object.values(byStatus)),
      byStatus,
      durationMs: durationsOf(folders.flatMap((folder) => folder.durations)),
    },
    usage: priced.reduce((usage, model) => add(usage, model.usage), NO_USAGE),
    byModel: Object.fromEntries(
      priced.map(({ model, turns, usage, price }) => [
        model,
        { turns, usage, ...(price === undefined ? {} : { cost: costOf(usage, price) }) },
      ]),
    ),
    ...(known && Object.keys(settings.prices).length > 0
      ? { cost: { amount, currency: settings.currency } }
      : {}),
  };
}

/** Exact statistics of several folders together. @throws BridgeError `HISTORY_UNAVAILABLE` */
export function mergeStatistics(
  stores: readonly Pick<HistoryStore, 'totals'>[],
  settings: Prices,
): Statistics {
  return statisticsOf(
    stores.map((store) => store.totals()),
    settings,
  );
}

/** In currency units. Codex counts cached tokens as part of `input`, and reasoning as part of `output`. */
export function costOf(usage: TokenUsage, price: Price): number {
  const cached = Math.min(usage.cachedInput, usage.input);
  const millionths =
    (usage.input - cached) * price.input +
    cached * (price.cachedInput ?? price.input) +
    usage.output * price.output;
  return millionths / 1_000_000;
}

function durationsOf(durations: number[]): Statistics['turns']['durationMs'] {
  const sorted = Float64Array.from(durations).sort();
  const total = sum(durations);
  return {
    total,
    mean: durations.length === 0 ? 0 : total / durations.length,
    p50: rank(sorted, 0.5),
    p95: rank(sorted, 0.95),
  };
}

/** Nearest rank: the smallest value that at least this share of all values does not exceed. */
function rank(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

function add(a: TokenUsage, b: TokenUsage): TokenUsage {
  return {
    input: a.input + b.input,
    cachedInput: a.cachedInput + b.cachedInput,
    output: a.output + b.output,
    reasoningOutput: a.reasoningOutput + b.reasoningOutput,
    total: a.total + b.total,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
