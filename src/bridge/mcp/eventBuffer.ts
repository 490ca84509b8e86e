import { createHmac, randomBytes } from 'node:crypto';
import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

/** What one session keeps for streams that were cut; the oldest notification goes first, then the oldest of the rest. */
const MAX_EVENTS = 500;
/** Characters of JSON: a few long answers, and no more than memory bears with every session in use. */
const MAX_LENGTH = 512 * 1024;

interface StoredEvent {
  readonly number: number;
  readonly stream: string;
  readonly message: JSONRPCMessage;
  readonly length: number;
}

/**
 * The last events of one 2025-11-25 session, so that a client whose stream was cut gets exactly what it
 * missed (`Last-Event-ID`). In memory and bounded: an answer that fell out is still there for `wait`.
 */
export class EventBuffer implements EventStore {
  readonly #events: StoredEvent[] = [];
  readonly #key = randomBytes(32);
  #next = 1;
  #length = 0;

  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    const number = this.#next++;
    const event = { number, stream, message, length: JSON.stringify(message).length };
    this.#events.push(event);
    this.#length += event.length;
    while (this.#events.length > MAX_EVENTS || (this.#length > MAX_LENGTH && this.#events.length > 1)) {
      this.#dropOne();
    }
    return this.#idOf(stream, number);
  }

  /** Progress that fell out is made good by the next; for an answer that fell out a client would wait in vain. */
  #dropOne(): void {
    const at = this.#events.findIndex(({ message }) => !('id' in message));
    const [dropped] = this.#events.splice(Math.max(0, at), 1);
    this.#length -= dropped?.length ?? 0;
  }

  /** Undefined for an id that this session did not give: a stream is not taken up by a guess. */
  async getStreamIdForEventId(id: string): Promise<string | undefined> {
    return this.#parse(id)?.stream;
  }

  async replayEventsAfter(
    id: string,
    { send }: { send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const last = this.#parse(id);
    if (last === undefined) throw new Error('unknown event id');
    for (const event of [...this.#events]) {
      if (event.stream !== last.stream || event.number <= last.number) continue;
      // The stream's opening mark is an empty message: there is nothing to send again.
      if (Object.keys(event.message).length > 0)
        await send(this.#idOf(event.stream, event.number), event.message);
    }
    return last.stream;
  }

  #idOf(stream: string, number: number): string {
    const seal = createHmac('sha256', this.#key).update(`${stream} ${number}`).digest('hex').slice(0, 24);
    return `${stream}.${number}.${seal}`;
  }

  #parse(id: string): { stream: string; number: number } | undefined {
    const [, stream = '', digits] = /^(.+)\.(\d+)\.[0-9a-f]+$/.exec(id) ?? [];
    const number = Number(digits);
    return id === this.#idOf(stream, number) ? { stream, number } : undefined;
  }
}
