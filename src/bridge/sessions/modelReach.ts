import type { TurnError } from '../../shared/session.ts';
import type { ServerNotification } from '../codex/generated/ServerNotification.ts';
import type { TurnError as CodexTurnError } from '../codex/generated/v2/TurnError.ts';
import type { Clock } from '../ports.ts';

/** How long a turn waits after Codex has first said that it does not reach the model, in ms. */
const UNREACHED_MS = 1_000;

/** Items that Codex makes itself, before the model was asked anything. */
const BEFORE_MODEL: ReadonlySet<string> = new Set(['userMessage', 'enteredReviewMode', 'contextCompaction']);

/**
 * Watches whether a turn reaches its model at all. Codex (0.169) says `error` with `willRetry` and "waiting for
 * network", and waits without end: right for a connection that drops in the middle of work, which is left to
 * it, and wrong for an endpoint that was never there.
 */
export class ModelReach {
  readonly #clock: Clock;
  readonly #onUnreached: (error: TurnError) => void;
  #reached = false;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, onUnreached: (error: TurnError) => void) {
    this.#clock = clock;
    this.#onUnreached = onUnreached;
  }

  /** A notification of the turn's. */
  see({ method, params }: ServerNotification): void {
    if (this.#reached) return;
    if (method === 'item/started' && !BEFORE_MODEL.has(params.item.type)) {
      this.#reached = true;
      this.dispose();
    } else if (method === 'error' && params.willRetry && waitsWithoutEnd(params.error)) {
      this.#cancel ??= this.#clock.after(UNREACHED_MS, () => this.#onUnreached(unreached(params.error)));
    }
  }

  dispose(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

/** Where Codex counts its attempts ("2/5"), it comes to an end by itself. */
function waitsWithoutEnd({ message }: CodexTurnError): boolean {
  return !/\d+\/\d+/.test(message);
}

function unreached({ message, additionalDetails }: CodexTurnError): TurnError {
  return {
    code: 'MODEL_ERROR',
    message: `Codex could not reach its model (${additionalDetails ?? message}). Check the network and the model provider in Codex's config.toml, then ask again.`,
  };
}
