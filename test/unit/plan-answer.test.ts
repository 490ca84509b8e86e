import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PLAN_SCHEMA, planShaper } from '../../src/bridge/sessions/planAnswer.ts';
import type { SessionEvent } from '../../src/shared/events.ts';

const plan = fc.record({
  summary: fc.string(),
  steps: fc.array(
    fc.record({ step: fc.string(), details: fc.string(), files: fc.array(fc.string(), { maxLength: 3 }) }),
    { maxLength: 4 },
  ),
});

/** A message as Codex streams it, in pieces that end at the given places. */
function streamed(text: string, cuts: readonly number[]): SessionEvent[] {
  const ends = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  const pieces = [...ends, text.length].map((end, i) => text.slice(ends[i - 1] ?? 0, end));
  const item = { id: 'm', type: 'agent_message', startedAt: 1 } as const;
  return [
    { type: 'item.started', turn: 't', item: { ...item, status: 'running', text: '' } },
    ...pieces.map(
      (piece): SessionEvent => ({ type: 'item.delta', turn: 't', item: 'm', field: 'text', text: piece }),
    ),
    { type: 'item.completed', turn: 't', item: { ...item, status: 'completed', text } },
  ];
}

function shaped(events: readonly SessionEvent[]): SessionEvent[] {
  const shape = planShaper();
  return events.flatMap((event) => [...shape(event)]);
}

function deltas(events: readonly SessionEvent[]): string {
  return events.map((event) => (event.type === 'item.delta' ? event.text : '')).join('');
}

const cuts = fc.array(fc.nat(), { maxLength: 6 });

describe('the answer of a plan', () => {
  it('is words and steps, and never JSON, however it is streamed', () => {
    fc.assert(
      fc.property(plan, cuts, (wanted, where) => {
        const events = shaped(streamed(JSON.stringify(wanted), where));
        expect(deltas(events)).toBe('');
        const told = events.find((event) => event.type === 'turn.plan');
        expect(told?.plan.map(({ step, details = '', files = [] }) => ({ step, details, files }))).toEqual(
          wanted.steps,
        );
        const message = events.find((event) => event.type === 'item.completed');
        const text = message?.item.type === 'agent_message' ? message.item.text : undefined;
        expect(text).toContain(wanted.summary);
        for (const { step } of wanted.steps) expect(text).toContain(step);
        expect(text).not.toContain('"steps"');
      }),
    );
  });

  it('that is no plan stays as it is', () => {
    const words = fc.string({ minLength: 1 }).filter((text) => !text.trimStart().startsWith('{'));
    fc.assert(
      fc.property(words, cuts, (text, where) => {
        const events = streamed(text, where);
        expect(shaped(events)).toEqual(events);
      }),
    );
    const other = streamed('{"a": 1}', []);
    expect(shaped(other).at(-1)).toEqual(other.at(-1));
  });

  it('has a schema that a strict model provider takes: all is required, nothing else is allowed', () => {
    const check = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      const { type, properties, required, additionalProperties, items } = schema as Record<string, unknown>;
      if (type === 'object') {
        expect(additionalProperties).toBe(false);
        expect(required).toEqual(Object.keys(properties as object));
        for (const child of Object.values(properties as object)) check(child);
      }
      check(items);
    };
    check(PLAN_SCHEMA);
  });
});
