import { BridgeError, toErrorInfo } from '../../shared/errors.ts';
import type { LoginMethod, LoginState } from '../../shared/login.ts';
import type { CodexClient } from '../codex/client.ts';
import { CodexRefusedError } from '../codex/codexRefused.ts';
import type { AccountLoginCompletedNotification } from '../codex/generated/v2/AccountLoginCompletedNotification.ts';
import type { LoginAccountResponse } from '../codex/generated/v2/LoginAccountResponse.ts';
import type { Clock, Logger } from '../ports.ts';

const MINUTE_MS = 60_000;
/** When Codex gives up by itself: its own figures, which the protocol does not tell. */
const LIFETIME_MS = { chatgpt: 10 * MINUTE_MS, device_code: 15 * MINUTE_MS } as const;
/** So long after that it has for saying so. */
const OVERDUE_MS = MINUTE_MS;

type Waiting = Extract<LoginState, { state: 'waiting' }>;

interface LoginDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The state is another one. */
  onState(): void;
}

/**
 * The login of one Codex: `account/login/start`, `account/login/cancel`, and `account/login/completed` for how it
 * ended. One at a time, the latest: Codex has one port for the browser to call back to.
 */
export class Login {
  readonly #deps: LoginDeps;
  #state: LoginState | undefined;
  #waiting: { readonly client: CodexClient; readonly id: string } | undefined;
  /** An end may come before the start's answer has been looked at. */
  readonly #ended = new Map<string, AccountLoginCompletedNotification>();
  #stopTimer: () => void = () => {};
  /** Counts the starts: what an earlier one still gets to hear is not shown. */
  #attempt = 0;

  constructor(deps: LoginDeps) {
    this.#deps = deps;
  }

  get state(): LoginState | undefined {
    return this.#state;
  }

  /**
   * Resolves when the login waits for the person; with an API key, when Codex has it.
   *
   * @throws BridgeError `CODEX_REFUSED`, `CANCELLED` when another start or a cancel came between
   */
  async start(client: CodexClient, method: LoginMethod): Promise<void> {
    await this.cancel();
    const attempt = ++this.#attempt;
    if (method.kind === 'api_key') {
      await giveKey(client, method.apiKey);
      return;
    }
    const type = method.kind === 'chatgpt' ? 'chatgpt' : 'chatgptDeviceCode';
    const answer = await ask(client, type);
    const { id, state } = this.#read(answer);
    if (attempt !== this.#attempt) {
      await cancelIn(client, id);
      throw new BridgeError('CANCELLED', 'Another login was started, or this one was cancelled.');
    }
    this.#waiting = { client, id };
    this.#set(state);
    this.#stopTimer = this.#deps.clock.after(LIFETIME_MS[state.kind] + OVERDUE_MS, () => this.#expired(id));
    const end = this.#ended.get(id);
    if (end !== undefined) this.completed(end);
  }

  /** Gives up what waits; also takes a failure out of the status. */
  async cancel(): Promise<void> {
    const waiting = this.#waiting;
    this.#attempt += 1;
    this.#waiting = undefined;
    this.#ended.clear();
    if (this.#state !== undefined) this.#set(undefined);
    if (waiting !== undefined && !waiting.client.closed) await cancelIn(waiting.client, waiting.id);
  }

  /** Codex tells how a login ended (`account/login/completed`). That of an API key has no id. */
  completed(end: AccountLoginCompletedNotification): void {
    const { loginId, success, error } = end;
    if (loginId === null) return;
    if (loginId !== this.#waiting?.id) {
      this.#ended.set(loginId, end);
      return;
    }
    this.#waiting = undefined;
    this.#ended.clear();
    if (success) this.#set(undefined);
    else this.#fail(notCompleted(error));
  }

  /** The Codex in which it waited is gone. */
  lost(): void {
    if (this.#waiting === undefined) return;
    this.#waiting = undefined;
    this.#fail(new BridgeError('CODEX_EXITED', 'Codex ended before the login was complete. Sign in again.'));
  }

  /** Codex should have said so itself. */
  #expired(loginId: string): void {
    const waiting = this.#waiting;
    this.completed({ loginId, success: false, error: 'it took too long', onboardingEntrypoint: null });
    if (waiting === undefined || waiting.client.closed) return;
    cancelIn(waiting.client, loginId).catch((error: unknown) =>
      this.#deps.logger.warn('a login that took too long was not cancelled', { error }),
    );
  }

  #read(answer: LoginAccountResponse): { id: string; state: Waiting } {
    const from = this.#deps.clock.now();
    switch (answer.type) {
      case 'chatgpt':
        return {
          id: answer.loginId,
          state: {
            state: 'waiting',
            kind: 'chatgpt',
            url: answer.authUrl,
            expiresAt: from + LIFETIME_MS.chatgpt,
          },
        };
      case 'chatgptDeviceCode':
        return {
          id: answer.loginId,
          state: {
            state: 'waiting',
            kind: 'device_code',
            url: answer.verificationUrl,
            userCode: answer.userCode,
            expiresAt: from + LIFETIME_MS.device_code,
          },
        };
      default:
        throw new BridgeError(
          'CODEX_PROTOCOL',
          'Codex answered with another kind of login. Update Codex or Codex Bridge.',
        );
    }
  }

  #fail(error: BridgeError): void {
    const kind = this.#state?.kind ?? 'chatgpt';
    this.#set({ state: 'failed', kind, error: toErrorInfo(error) });
  }

  #set(state: LoginState | undefined): void {
    this.#stopTimer();
    this.#state = state;
    this.#deps.onState();
  }
}

async function ask(
  client: CodexClient,
  type: 'chatgpt' | 'chatgptDeviceCode',
): Promise<LoginAccountResponse> {
  try {
    return await client.call('account/login/start', { type });
  } catch (error) {
    if (!(error instanceof CodexRefusedError)) throw error;
    throw new BridgeError(
      'CODEX_REFUSED',
      `Codex could not start the login: ${error.rpcMessage.replace(/\.$/, '')}. Check the network, or sign in another way.`,
      { cause: error },
    );
  }
}

/** Codex's own words are left out: it may quote what it was given. */
async function giveKey(client: CodexClient, apiKey: string): Promise<void> {
  try {
    await client.call('account/login/start', { type: 'apiKey', apiKey });
  } catch (error) {
    if (!(error instanceof CodexRefusedError)) throw error;
    throw new BridgeError(
      'CODEX_REFUSED',
      'Codex did not take the API key: its configuration may demand another way to sign in (forced_login_method).',
    );
  }
}

/** Ended meanwhile, it is not found any more: that is what was wanted. */
async function cancelIn(client: CodexClient, loginId: string): Promise<void> {
  await client.call('account/login/cancel', { loginId });
}

function notCompleted(words: string | null): BridgeError {
  const why = words === null || words === '' ? 'Codex did not say why' : words.replace(/\.$/, '');
  return new BridgeError(
    'CODEX_LOGGED_OUT',
    `The login was not completed: ${why}. Sign in again, or choose another way.`,
  );
}
