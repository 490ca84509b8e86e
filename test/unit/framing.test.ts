import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ByteStream, LineSplitter, linePort } from '../../src/shared/framing.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const texts = (lines: readonly Uint8Array[]) => lines.map((line) => decoder.decode(line));

/** Cuts at the given places, modulo the length; empty chunks too. */
function chunks(whole: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (whole.length + 1)).toSorted((a, b) => a - b), whole.length];
  return places.slice(1).map((end, i) => whole.subarray(places[i], end));
}

describe('LineSplitter', () => {
  test('gives the same lines however the bytes are cut', () => {
    const line = fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replaceAll('\n', ' '));
    fc.assert(
      fc.property(fc.array(line), line, fc.array(fc.nat()), (lines, rest, cuts) => {
        const splitter = new LineSplitter(1000);
        const whole = bytes(lines.map((text) => `${text}\n`).join('') + rest);
        const got = chunks(whole, cuts).flatMap((chunk) => splitter.push(chunk));
        expect(texts(got)).toEqual(lines.map((text) => text.toWellFormed()));
        // What is left is the beginning of the next line.
        expect(texts(splitter.push(bytes('\n')))).toEqual([rest.toWellFormed()]);
      }),
    );
  });

  test('takes a line as long as its bound and none longer, however it comes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(fc.nat()), (max, cuts) => {
        const push = (length: number) => {
          const splitter = new LineSplitter(max);
          const whole = bytes(`ok\n${'x'.repeat(length)}`.slice(max < 2 ? 3 : 0));
          for (const chunk of chunks(whole, cuts)) splitter.push(chunk);
          return splitter.push(bytes('\n'));
        };
        expect(push(max)[0]).toHaveLength(max);
        expect(() => push(max + 1)).toThrow(RangeError);
      }),
    );
  });
});

/** A stream whose other side is the test. */
class Stream implements ByteStream {
  readonly written: string[] = [];
  destroyed = false;
  #data: (bytes: Uint8Array) => void = () => {};
  #close: () => void = () => {};

  write(text: string): void {
    this.written.push(text);
  }

  destroy(): void {
    this.destroyed = true;
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#data = listener;
  }

  onClose(listener: () => void): void {
    this.#close = listener;
  }

  decode(line: Uint8Array): string {
    return decoder.decode(line);
  }

  say(text: string | Uint8Array): void {
    this.#data(typeof text === 'string' ? bytes(text) : text);
  }

  close(): void {
    this.#close();
  }
}

function port(max = 1000) {
  const stream = new Stream();
  const received: unknown[] = [];
  const messages = linePort(stream, max);
  const subscription = messages.onMessage((message) => received.push(message));
  return { stream, received, messages, subscription };
}

describe('linePort', () => {
  test('carries messages both ways, one line each', () => {
    const { stream, received, messages } = port();
    messages.send({ id: 1, method: 'say', params: 'two\nlines' });
    expect(stream.written).toEqual(['{"id":1,"method":"say","params":"two\\nlines"}\n']);
    stream.say(`${stream.written[0]}{"id":2,`);
    expect(received).toEqual([{ id: 1, method: 'say', params: 'two\nlines' }]);
    stream.say('"result":null}\n');
    expect(received.at(-1)).toEqual({ id: 2, result: null });
  });

  test('puts a character together that was cut', () => {
    const { stream, received } = port();
    for (const byte of bytes('"😀"\n')) stream.say(Uint8Array.of(byte));
    expect(received).toEqual(['😀']);
  });

  test.each([
    ['no JSON', 'nonsense\n'],
    ['an empty line', '\n'],
    ['a line that is too long', 'x'.repeat(1001)],
  ])('is closed by %s, and hears nothing after it', (_what, broken) => {
    const { stream, received } = port();
    stream.say('{"id":1}\n');
    stream.say(`${broken}${broken.endsWith('\n') ? '{"id":2}\n' : ''}`);
    stream.say('{"id":3}\n');
    expect(stream.destroyed).toBe(true);
    expect(received).toEqual([{ id: 1 }]);
  });

  test('tells its close once, and sends nothing after it', () => {
    const { stream, messages } = port();
    let closes = 0;
    messages.onClose(() => {
      closes += 1;
    });
    stream.close();
    stream.close();
    messages.send({ id: 1, result: null });
    expect(closes).toBe(1);
    expect(stream.written).toEqual([]);
  });

  test('does not parse what is taken, and keeps its place among the rest', () => {
    const stream = new Stream();
    const received: unknown[] = [];
    const take = (line: Uint8Array) => {
      const taken = decoder.decode(line).startsWith('raw');
      if (taken) received.push(decoder.decode(line));
      return taken;
    };
    linePort(stream, 1000, take).onMessage((message) => received.push(message));
    stream.say('1\nraw a\n2\nraw');
    stream.say(' b\n3\n');
    expect(received).toEqual([1, 'raw a', 2, 'raw b', 3]);
    expect(stream.destroyed).toBe(false);
  });

  test('tells nobody who has left', () => {
    const { stream, received, subscription } = port();
    subscription.dispose();
    stream.say('{"id":1}\n');
    expect(received).toEqual([]);
  });

  test('does not take the error of a listener for a broken frame', () => {
    const { stream, received, messages } = port();
    messages.onMessage((message) => {
      if (typeof message === 'object') throw new Error('of the listener');
    });
    expect(() => stream.say('{"id":1}\n2\n')).toThrow('of the listener');
    expect(stream.destroyed).toBe(false);
    stream.say('3\n');
    expect(received).toEqual([{ id: 1 }, 2, 3]);
  });
});
