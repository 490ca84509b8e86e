import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linePort } from '../../src/shared/framing.ts';
import {
  type McpEvents,
  type McpMessage,
  messageEvent,
  resultIn as resultInFrame,
} from '../../src/shared/mcpChannel.ts';
import { RpcServer } from '../../src/shared/rpc.ts';

/** The bytes of the frame that the bridge writes for a message, without the end of the line. */
function frameOf(message: McpMessage, channel = 'm1'): Uint8Array {
  const written: string[] = [];
  const port = linePort(
    {
      write: (text) => void written.push(text),
      destroy: () => undefined,
      onData: () => undefined,
      onClose: () => undefined,
      decode: () => '',
    },
    1000,
  );
  // What the door of the faces tells with: the order of its fields is what counts.
  const server = new RpcServer<{ requests: Record<never, never>; events: McpEvents }>(port, {}, {});
  server.emit('mcp.message', messageEvent(channel, message));
  return new TextEncoder().encode(written.join('').slice(0, -1));
}

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const parsed = (bytes: Uint8Array): unknown => JSON.parse(decode(bytes));
const resultIn = (frame: Uint8Array) => resultInFrame(frame, decode);

describe('a result in a frame', () => {
  const id = fc.oneof(fc.integer(), fc.double({ noNaN: true }), fc.string(), fc.uuid());
  const result = fc.dictionary(fc.string(), fc.jsonValue());

  test('is the same line that the message is, whatever is in it, or is left to be parsed', () => {
    fc.assert(
      fc.property(id, result, fc.boolean(), (id, result, isError) => {
        const message = { result: { ...result, ...(isError ? { isError } : {}) }, jsonrpc: '2.0', id };
        const frame = frameOf(message);
        const found = resultIn(frame);
        if (found === undefined) {
          expect(parsed(frame)).toMatchObject({ data: { message: JSON.parse(JSON.stringify(message)) } });
          return;
        }
        // JSON knows no -0.
        expect(found.id === id).toBe(true);
        // Looking at it has changed nothing: who does not wait for it parses the frame.
        expect(parsed(frame)).toMatchObject({ data: { message: JSON.parse(JSON.stringify(message)) } });
        expect(decode(found.line())).toBe(`${JSON.stringify(message)}\n`);
      }),
    );
  });

  test('of a call is found under the ids that clients use', () => {
    for (const id of [0, 7, 123_456_789, 'a1', '', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'])
      expect(resultIn(frameOf({ jsonrpc: '2.0', id, result: { content: [] } }))?.id).toBe(id);
  });

  test.each([
    ['an error', { id: 1, error: { code: 1, message: 'no' } }],
    ['a tool that failed', { id: 1, result: { isError: true, content: [] } }],
    ['a request', { id: 1, method: 'roots/list' }],
    ['a notification', { method: 'notifications/progress', params: { answers: 1, message: {} } }],
    ['an id with a quote', { id: '1","message":{', result: {} }],
    ['an id longer than what is looked at', { id: 'x'.repeat(300), result: {} }],
  ])('%s is parsed', (_what, message) => {
    expect(resultIn(frameOf({ jsonrpc: '2.0', ...message }))).toBeUndefined();
  });

  test('other frames and anything else are none', () => {
    const whole = frameOf({ jsonrpc: '2.0', id: 1, result: {} });
    expect(resultIn(whole)?.id).toBe(1);
    const head = whole.indexOf('{'.charCodeAt(0), 1) + '{"channel":"m1","answers":1,"message":{'.length;
    for (let end = 0; end < head; end++) expect(resultIn(whole.slice(0, end)), String(end)).toBeUndefined();
    const other = new TextEncoder().encode('{"event":"mcp.folder","data":{"channel":"m1","answers":1}}');
    expect(resultIn(other)).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(resultIn(bytes)).toBeUndefined();
      }),
    );
  });
});
