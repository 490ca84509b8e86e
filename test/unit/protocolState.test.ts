import type { JSONRPCMessage, ServerContext } from '@modelcontextprotocol/server';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { decodeCursor, encodeCursor } from '../../src/bridge/history/cursor.ts';
import { EventBuffer } from '../../src/bridge/mcp/eventBuffer.ts';
import { pageOf } from '../../src/bridge/mcp/paging.ts';
import { AnswerNeeded, AskedByResult } from '../../src/bridge/mcp/questions.ts';
import type { Session } from '../../src/bridge/sessions/session.ts';
import type { Approval } from '../../src/shared/session.ts';

const INVALID = expect.objectContaining({ code: 'CURSOR_INVALID' });

/** The same text with one character replaced, added or taken away. */
const changed = (text: string) =>
  fc
    .tuple(
      fc.integer({ min: 0, max: text.length - 1 }),
      fc.constantFrom('replace', 'insert', 'remove'),
      fc.constantFrom('A', 'b', '0', '-', '_', '.', '=', ' ', '!'),
    )
    .map(([at, how, character]) => {
      const rest = text.slice(how === 'insert' ? at : at + 1);
      return `${text.slice(0, at)}${how === 'remove' ? '' : character}${rest}`;
    })
    .filter((other) => other !== text);

describe('A11: a cursor', () => {
  it('of a text is good as it was given only', () => {
    const text = 'one line\n'.repeat(40);
    const cursor = pageOf(text, 't_1', undefined, 100).cursor ?? expect.fail();
    expect(pageOf(text, 't_1', cursor, 1000).text).toBe(text.slice(99));
    fc.assert(
      fc.property(changed(cursor), (other) => {
        expect(() => pageOf(text, 't_1', other, 100)).toThrow(INVALID);
      }),
      { numRuns: 1000 },
    );
  });

  it('of a list is good for that list only, as it was given', () => {
    const place = { updatedAt: 1_700_000_000_000, id: 's_1' };
    const cursor = encodeCursor(place, 'a list');
    expect(decodeCursor(cursor, 'a list')).toEqual(place);
    expect(() => decodeCursor(cursor, 'another list')).toThrow(INVALID);
    // Without the seal, and with the seal of another place.
    expect(() => decodeCursor(cursor.split('.')[0] ?? '', 'a list')).toThrow(INVALID);
    const other = encodeCursor({ updatedAt: 1, id: 's_2' }, 'a list');
    expect(() => decodeCursor(`${cursor.split('.')[0]}.${other.split('.')[1]}`, 'a list')).toThrow(INVALID);
    fc.assert(
      fc.property(changed(cursor), (one) => {
        expect(() => decodeCursor(one, 'a list')).toThrow(INVALID);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('A11: the id of an event', () => {
  const message = (method: string): JSONRPCMessage => ({ jsonrpc: '2.0', method });

  it('takes up the stream of the session that gave it, and no other', async () => {
    const buffer = new EventBuffer();
    const first = await buffer.storeEvent('stream_a', message('one'));
    await buffer.storeEvent('stream_b', message('of another stream'));
    const second = await buffer.storeEvent('stream_a', message('two'));
    const replayed: [string, JSONRPCMessage][] = [];
    const send = async (id: string, sent: JSONRPCMessage) => void replayed.push([id, sent]);
    expect(await buffer.getStreamIdForEventId(first)).toBe('stream_a');
    expect(await buffer.replayEventsAfter(first, { send })).toBe('stream_a');
    expect(replayed).toEqual([[second, message('two')]]);
    expect(await new EventBuffer().getStreamIdForEventId(first)).toBeUndefined();
    await fc.assert(
      fc.asyncProperty(changed(first), async (id) => {
        expect(await buffer.getStreamIdForEventId(id)).toBeUndefined();
        await expect(buffer.replayEventsAfter(id, { send })).rejects.toThrow('unknown event id');
      }),
    );
    expect(replayed).toHaveLength(1);
  });
});

describe('A11: what a question gives along', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const approval: Approval = {
    id: 'a_1',
    turn: 't_1',
    item: 'i_1',
    createdAt: 0,
    decisions: ['accept', 'decline'],
    request: { kind: 'command', command: 'touch x', cwd: '/f' },
  };
  // What is read of them.
  const session = {} as unknown as Session;
  const first = { mcpReq: { requestState: () => undefined } } as unknown as ServerContext;

  async function stateOf(asked: AskedByResult): Promise<string> {
    const result = await asked.result(new AnswerNeeded(session, approval), 'the call', first);
    const state = 'requestState' in result ? result.requestState : undefined;
    return typeof state === 'string' ? state : expect.fail(JSON.stringify(result));
  }

  it('is good as it was given, at the bridge that gave it, for an hour', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const asked = new AskedByResult();
    const state = await stateOf(asked);
    expect(await asked.verify(state, first)).toMatchObject({
      turn: 't_1',
      approval: 'a_1',
      call: 'the call',
    });
    await expect(new AskedByResult().verify(state, first)).rejects.toThrow();
    // Padding, and some bits of the last character, say nothing in base64.
    const others = changed(state.slice(0, -1)).filter((other) => !/[= !]/.test(other));
    await fc.assert(
      fc.asyncProperty(others, async (other) => {
        await expect(asked.verify(`${other}${state.at(-1)}`, first)).rejects.toThrow();
      }),
    );
    vi.setSystemTime(Date.now() + 59 * 60_000);
    await asked.verify(state, first);
    vi.setSystemTime(Date.now() + 2 * 60_000);
    await expect(asked.verify(state, first)).rejects.toThrow('expired');
  });
});
