import type { Scope } from '../http/tokens.ts';
import type { Clock } from '../ports.ts';

/** A client without an open stream or a running call counts as connected for this long after its last request. */
const PRESENT_MS = 5 * 60_000;
/** Clients that are remembered at once; the one unseen for longest is forgotten first. */
const MAX_CLIENTS = 1_000;

/** Whoever is connected over MCP. */
export interface ConnectedClient {
  readonly name: string;
  readonly version?: string;
  readonly era: '2025-11-25' | '2026-07-28';
  readonly scope: Scope;
  /** Through `codex-bridge attach`; absent: over HTTP. */
  readonly transport?: 'stdio';
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly lastSeen: number;
  /** Requests and streams that are open. */
  readonly open: number;
}

interface Entry {
  readonly client: Omit<ConnectedClient, 'lastSeen' | 'open'>;
  readonly since: number;
  lastSeen: number;
  seenAt: number;
  open: number;
}

/**
 * Keeps count of clients. The newer protocol has no connections, so its clients are told apart by their name
 * and what they may see, and are there as long as they keep asking.
 */
export class ClientList {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #entries = new Map<string, Entry>();
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** A request of a client begins; call what it gives back when the request is over. */
  begin(
    key: string,
    client: Pick<ConnectedClient, 'name' | 'version' | 'era' | 'scope' | 'transport'>,
  ): () => void {
    const entry = this.#entry(key, client);
    entry.open++;
    this.#touch(entry);
    if (entry.open === 1) this.#onChange();
    return () => {
      entry.open--;
      this.#touch(entry);
      if (entry.open === 0) this.#watch();
    };
  }

  /** The client said goodbye. */
  remove(key: string): void {
    if (this.#entries.delete(key)) this.#onChange();
  }

  list(): ConnectedClient[] {
    this.#forget();
    return [...this.#entries.values()].map(({ client, lastSeen, open }) => ({ ...client, lastSeen, open }));
  }

  dispose(): void {
    this.#cancelTimer?.();
    this.#entries.clear();
  }

  #entry(
    key: string,
    client: Pick<ConnectedClient, 'name' | 'version' | 'era' | 'scope' | 'transport'>,
  ): Entry {
    const known = this.#entries.get(key);
    // Put at the end again: the map is in the order of last use.
    this.#entries.delete(key);
    const now = this.#clock.now();
    const entry = known ?? {
      client: { ...client, since: now },
      since: now,
      lastSeen: now,
      seenAt: 0,
      open: 0,
    };
    this.#entries.set(key, entry);
    if (this.#entries.size > MAX_CLIENTS) {
      const idle = [...this.#entries].find(([, one]) => one.open === 0);
      if (idle !== undefined) this.#entries.delete(idle[0]);
    }
    return entry;
  }

  #touch(entry: Entry): void {
    entry.lastSeen = this.#clock.now();
    entry.seenAt = this.#clock.monotonic();
  }

  #forget(): void {
    const oldest = this.#clock.monotonic() - PRESENT_MS;
    for (const [key, entry] of this.#entries) {
      if (entry.open === 0 && entry.seenAt <= oldest) this.#entries.delete(key);
    }
  }

  /** Looks again when the clients of now may have gone, so that the bridge learns that nobody is there. */
  #watch(): void {
    this.#cancelTimer ??= this.#clock.after(PRESENT_MS + 1, () => {
      this.#cancelTimer = undefined;
      this.#forget();
      if (this.#entries.size > 0) this.#watch();
      this.#onChange();
    });
  }
}
