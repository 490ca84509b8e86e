import * as z from 'zod/mini';
import type { ErrorInfo } from './errors.ts';
import type { FolderKey } from './session.ts';

/**
 * The login of Codex, by the person at a face. There is one per `CODEX_HOME`, so what is done in one folder holds
 * for all. An API key goes to Codex and nowhere else: it is in no status, event, history, log or error.
 */
const folder = z.string().check(z.minLength(1), z.maxLength(128));

/** Codex takes any text for a key and finds out with the first turn; what can be no key is refused here. */
export const API_KEY = /^[\x21-\x7e]{1,500}$/;

export const loginMethodSchema = z.discriminatedUnion('kind', [
  /** In a browser on the machine where Codex runs: it calls back to a port there. */
  z.object({ kind: z.literal('chatgpt') }),
  /** In any browser, with a code to type in. */
  z.object({ kind: z.literal('device_code') }),
  z.object({ kind: z.literal('api_key'), apiKey: z.string().check(z.regex(API_KEY)) }),
]);

export type LoginMethod = z.infer<typeof loginMethodSchema>;

export const loginParams = {
  /** Asks Codex who is logged in, starting it where needed; `folder.status` tells the answer. */
  'account.read': z.object({ folder }),
  /**
   * Answers when the login waits for the person, or with an API key when it is done. A login that waits already
   * is given up. `folder.status` tells how it goes on.
   */
  'login.start': z.object({ folder, method: loginMethodSchema }),
  /** Gives up what waits, and takes away what a failed login has left in the status. */
  'login.cancel': z.object({ folder }),
  logout: z.object({ folder }),
};

/** A login that waits for the person, or how the last one failed. Times in ms since the epoch. */
export type LoginState =
  | {
      readonly state: 'waiting';
      readonly kind: 'chatgpt';
      /** To open in a browser. It carries the secret of this one login: never logged. */
      readonly url: string;
      /** Codex gives up then. */
      readonly expiresAt: number;
    }
  | {
      readonly state: 'waiting';
      readonly kind: 'device_code';
      readonly url: string;
      /** To type in on that page. */
      readonly userCode: string;
      readonly expiresAt: number;
    }
  | { readonly state: 'failed'; readonly kind: 'chatgpt' | 'device_code'; readonly error: ErrorInfo };

/** Whose login it is, as Codex tells it (`account/read`). */
export interface AccountInfo {
  /** Codex's own word: `apiKey`, `chatgpt`, … */
  readonly kind: string;
  readonly email?: string;
  readonly plan?: string;
}

interface FolderOnly {
  readonly folder: FolderKey;
}

export type LoginRequests = {
  'account.read': {
    params: FolderOnly;
    /** `loggedIn` is absent where Codex can not tell: it is offline, say. */
    result: { loggedIn?: boolean; account?: AccountInfo };
  };
  'login.start': { params: FolderOnly & { method: LoginMethod }; result: { login: LoginState | null } };
  'login.cancel': { params: FolderOnly; result: null };
  logout: { params: FolderOnly; result: null };
};
