import { type Disposable, DisposableStore } from '../../shared/disposables.ts';
import type { TurnId } from '../../shared/session.ts';
import type { CodexClient } from '../codex/client.ts';
import type { Clock, Logger } from '../ports.ts';

/** How long Codex may take to end a turn that it was told to interrupt, in ms. */
const INTERRUPT_GRACE_MS = 10_000;

/** Tells Codex to end a turn (`turn/interrupt`), and gives up on it where it does not. */
export class TurnInterrupt implements Disposable {
  readonly #turn: TurnId;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onGivenUp: () => void;
  readonly #store = new DisposableStore();
  /** What Codex was last told to interrupt. */
  #sent: string | undefined;

  constructor(turn: TurnId, deps: { clock: Clock; logger: Logger }, onGivenUp: () => void) {
    this.#turn = turn;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#onGivenUp = onGivenUp;
  }

  /** Once for each of Codex's turns: of a review only the inner one can be interrupted. */
  async send(client: CodexClient, threadId: string, turnId: string): Promise<void> {
    if (turnId === this.#sent) return;
    if (this.#sent === undefined) this.#giveUpLater();
    this.#sent = turnId;
    try {
      await client.call('turn/interrupt', { threadId, turnId });
    } catch (error) {
      // It may have ended at this very moment; then its end is on the way, else the grace ends it.
      this.#logger.debug('turn/interrupt was refused', { turn: this.#turn, error });
    }
  }

  dispose(): void {
    this.#store.dispose();
  }

  #giveUpLater(): void {
    const cancel = this.#clock.after(INTERRUPT_GRACE_MS, () => {
      this.#logger.warn('Codex did not end an interrupted turn', { turn: this.#turn });
      this.#onGivenUp();
    });
    this.#store.add({ dispose: cancel });
  }
}
