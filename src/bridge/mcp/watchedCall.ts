import { BridgeError } from '../../shared/errors.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Clock, Logger } from '../ports.ts';
import type { ToolResult } from './call.ts';

/** Characters of a client's own name in the log. */
const MAX_NAME = 100;

interface WatchedCallDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics?: Metrics;
}

/** One call of a tool, counted, and in the log from its begin to its end. */
export class WatchedCall {
  /** Names the call, so that its lines are found together. */
  readonly #logger: Logger;
  readonly #deps: WatchedCallDeps;
  readonly #tool: string;
  readonly #begun: number;

  constructor(deps: WatchedCallDeps, tool: string, client: string | undefined) {
    this.#deps = deps;
    this.#tool = tool;
    this.#begun = deps.clock.monotonic();
    this.#logger = deps.logger.child({
      call: deps.metrics?.nextCall(),
      tool,
      client: client?.slice(0, MAX_NAME),
    });
    this.#logger.debug('a tool is called');
  }

  /** `result`: what it gave back; absent where it goes on otherwise, as a task or a question. */
  ended(result?: ToolResult): void {
    const { session, turn, status } = result?.structured ?? {};
    this.#logger.debug('a tool has answered', {
      ...this.#count(),
      session: idOf(session),
      turn: idOf(turn),
      status: idOf(status),
    });
  }

  failed(error: unknown): void {
    const { ms } = this.#count();
    if (error instanceof BridgeError) this.#logger.debug('a tool refused', { ms, code: error.code });
    else this.#logger.error('a tool failed', { ms, error });
  }

  #count(): { ms: number } {
    const ms = this.#deps.clock.monotonic() - this.#begun;
    this.#deps.metrics?.toolCalled(this.#tool, ms);
    return { ms: Math.round(ms) };
  }
}

/** Some tools answer with whole sessions or turns under these names: only ids and words are for the log. */
function idOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
