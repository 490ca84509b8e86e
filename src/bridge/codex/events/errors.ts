import type { ErrorCode } from '../../../shared/errors.ts';
import { redact } from '../../../shared/redact.ts';
import type { TurnError } from '../../../shared/session.ts';
import type { TurnError as CodexTurnError } from '../generated/v2/TurnError.ts';

interface Kind {
  readonly code: ErrorCode;
  readonly advice: string;
}

const LOGGED_OUT: Kind = {
  code: 'CODEX_LOGGED_OUT',
  advice:
    'Sign in again, in VS Code ("Codex Bridge: Sign Out", then "Sign In") or with "codex login" in a terminal, then ask again.',
};
const TRY_LATER: Kind = { code: 'MODEL_ERROR', advice: 'Wait a little, then ask again.' };
const CONNECTION: Kind = {
  code: 'MODEL_ERROR',
  advice: "Check the network and the model provider in Codex's config.toml, then ask again.",
};
const OTHER: Kind = { code: 'MODEL_ERROR', advice: 'Ask again, or ask differently.' };
const USAGE_LIMIT: Kind = {
  code: 'MODEL_ERROR',
  advice:
    'The usage limit of the account is reached. Wait until it is renewed, or use another account or model.',
};

/** `CodexErrorInfo` as Codex 0.169 names it; what is not here is {@link OTHER}. */
const KINDS: ReadonlyMap<string, Kind> = new Map(
  Object.entries<Kind>({
    unauthorized: LOGGED_OUT,
    usageLimitExceeded: USAGE_LIMIT,
    sessionBudgetExceeded: USAGE_LIMIT,
    rateLimitExceeded: TRY_LATER,
    flexUnavailable: TRY_LATER,
    serverOverloaded: TRY_LATER,
    policyCapacityUnavailable: TRY_LATER,
    internalServerError: TRY_LATER,
    responseTooManyFailedAttempts: TRY_LATER,
    httpConnectionFailed: CONNECTION,
    responseStreamConnectionFailed: CONNECTION,
    responseStreamDisconnected: CONNECTION,
    contextWindowExceeded: {
      code: 'MODEL_ERROR',
      advice: 'The conversation is too long for the model. Start a new session, or ask for less at once.',
    },
    modelNotFound: { code: 'MODEL_ERROR', advice: 'Choose another model.' },
    badRequest: { code: 'MODEL_ERROR', advice: 'Check the model and its settings.' },
    sandboxError: {
      code: 'CODEX_REFUSED',
      advice: 'Codex could not set up its sandbox. "codex-bridge doctor" tells what is missing.',
    },
    cyberPolicy: { code: 'CODEX_REFUSED', advice: 'The provider refuses this kind of request.' },
    misalignmentPolicyViolation: {
      code: 'CODEX_REFUSED',
      advice: 'Codex stopped the turn. Ask differently.',
    },
    inferenceHookDenied: { code: 'CODEX_REFUSED', advice: 'A hook of this machine refused the request.' },
    tooManyDenials: {
      code: 'CODEX_REFUSED',
      advice: 'Too many approvals were declined. Ask again and say what is allowed.',
    },
    activeTurnNotSteerable: {
      code: 'SESSION_BUSY',
      advice: 'Wait until the turn has ended, then ask again.',
    },
  }),
);

/** A failed turn's error with a stable code and what to do next (`TurnError`, `CodexErrorInfo`). */
export function turnError(error: CodexTurnError | null): TurnError {
  if (error === null) {
    return { code: 'MODEL_ERROR', message: `Codex ended the turn without a reason. ${OTHER.advice}` };
  }
  const { name, status } = errorInfo(error.codexErrorInfo);
  const kind = missingVariable(error.message) ?? byStatus(status) ?? KINDS.get(name) ?? OTHER;
  return { code: kind.code, message: `${sentence(redact(plainMessage(error.message)))} ${kind.advice}` };
}

/** The `env_key` of a model provider that Codex does not find: most likely the bridge did not pass it on. */
function missingVariable(message: string): Kind | undefined {
  const name = /Missing environment variable: `?(\w+)/.exec(message)?.[1];
  if (name === undefined) return undefined;
  return {
    code: 'MODEL_ERROR',
    advice: `Codex inherits only the usual variables: set ${name} where VS Code is started from, add it to the setting "codexBridge.codex.environment" (or "serve --codex-env ${name}"), restart Codex, then ask again.`,
  };
}

/** The message of an error of Codex's: the endpoint's own words where Codex passes its JSON on. */
export function plainMessage(message: string): string {
  if (!message.startsWith('{')) return message;
  try {
    const parsed: unknown = JSON.parse(message);
    const inner = field(field(parsed, 'error'), 'message') ?? field(parsed, 'message');
    return typeof inner === 'string' && inner !== '' ? inner : message;
  } catch {
    return message; // It only began like JSON: shown as it is.
  }
}

function byStatus(status: number | undefined): Kind | undefined {
  if (status === 401) return LOGGED_OUT;
  if (status === 429 || status === 503 || status === 529) return TRY_LATER;
  return undefined;
}

/** Codex's error info is a name, or one name with its details. */
function errorInfo(info: CodexTurnError['codexErrorInfo']): { name: string; status?: number } {
  if (typeof info === 'string') return { name: info };
  const [name, details] = Object.entries(info ?? {})[0] ?? ['other', undefined];
  const status = field(details, 'httpStatusCode');
  return typeof status === 'number' ? { name, status } : { name };
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
