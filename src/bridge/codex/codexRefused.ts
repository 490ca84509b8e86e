import { BridgeError } from '../../shared/errors.ts';
import { redact } from '../../shared/redact.ts';
import type { JsonRpcError } from './jsonRpc.ts';

/** So much of Codex's own words is passed on, characters. */
const WORDS = 1000;

/** Codex answered with an error. Its number and words stay readable; nearly all have the number -32600. */
export class CodexRefusedError extends BridgeError {
  readonly method: string;
  readonly rpcCode: number;
  readonly rpcMessage: string;

  constructor(method: string, error: JsonRpcError) {
    // Codex may quote what it was given, whole.
    const words = redact(error.message.slice(0, WORDS)).replace(/\.$/, '');
    super(
      'CODEX_REFUSED',
      `Codex refused "${method}": ${words}. Change what it names, or start a new session.`,
      {
        cause: error,
      },
    );
    this.method = method;
    this.rpcCode = error.code;
    this.rpcMessage = error.message;
  }
}

/**
 * Codex knows the thread no more: its files are gone. The session goes on in a new thread. The words are those
 * of `thread/resume`, `thread/fork`, `thread/archive` ("no rollout found"), of `turn/*` ("thread not found")
 * and of `thread/read` ("thread not loaded").
 */
export function isThreadLost(error: unknown): boolean {
  return refusedWith(
    error,
    /no rollout found|thread not found|thread not loaded|rollout .* (is empty|does not exist)/i,
  );
}

/** Another app-server writes this thread (a terminal of the person's own): resume later, or fork. */
export function isActiveWriter(error: unknown): boolean {
  return refusedWith(error, /active writer/i);
}

function refusedWith(error: unknown, words: RegExp): boolean {
  return error instanceof CodexRefusedError && words.test(error.rpcMessage);
}
