import type { RefObject } from 'preact';
import './signIn.css';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ChatProblem, LoginAction } from '../../src/shared/webview.ts';
import { locale, rich, t } from '../l10n.ts';
import { ErrorText } from './ErrorText.tsx';
import { Icon } from './Icon.tsx';
import type { ChatStore } from './store.ts';

type LoggedOut = Extract<ChatProblem, { kind: 'logged_out' }>;
type Choice = readonly [LoginAction, string];

interface SignInProps {
  readonly store: ChatStore;
  readonly problem: LoggedOut;
}

/** What is said while an action is on its way; those that are done at once say nothing. */
const PENDING: Partial<Record<LoginAction, string>> = {
  chatgpt: t('Starting the sign-in'),
  device_code: t('Asking for a code'),
  api_key: t('Waiting for the key'),
  check: t('Asking Codex'),
};

/** In the place of a conversation: the ways to sign in to Codex, or the one that waits for the person. */
export function SignIn({ store, problem }: SignInProps) {
  const { pending, run } = usePending(store);
  const { login } = problem;
  const root = useRef<HTMLDivElement>(null);
  useKeptFocus(root, `${login?.state} ${login?.kind}`);
  if (login?.state === 'waiting') {
    return (
      <div class="welcome sign-in" role="status" ref={root}>
        {login.kind === 'device_code' ? (
          <>
            <Icon name="key" />
            <h1>{t('Type this code in')}</h1>
            <UserCode code={login.userCode} />
            <p>
              {rich(
                'on {0}, in any browser. It holds until {1}.',
                <span class="page">{login.url}</span>,
                timeOf(login.expiresAt),
              )}
            </p>
          </>
        ) : (
          <>
            <Icon name="globe" />
            <h1>{t('Sign in on the page')}</h1>
            <p>{t('It opens in your browser. The chat is ready as soon as you are done there.')}</p>
          </>
        )}
        <p class="waiting">
          <Icon name="loading" spin /> {t('Waiting for you to sign in')}
        </p>
        <Buttons choices={choicesOf(problem)} pending={pending} run={run} />
      </div>
    );
  }
  return (
    <div class="welcome sign-in" ref={root}>
      <Icon name="account" />
      <h1>{t('Sign in to Codex')}</h1>
      {login === null ? (
        <p>
          {t('Codex has no login yet. It keeps the one that you choose, also for Codex in your terminals.')}
        </p>
      ) : (
        <div role="alert">
          <ErrorText error={login.error} />
        </div>
      )}
      {problem.remote && (
        <p>{t('Codex runs on another machine than your browser: there a device code works best.')}</p>
      )}
      <Buttons choices={choicesOf(problem)} pending={pending} run={run} />
      <button
        type="button"
        class="link-button"
        aria-disabled={isOff('check', pending)}
        onClick={() => run('check')}
      >
        {t('Signed in elsewhere? Check again')}
      </button>
      <p class="pending" role="status">
        {pending !== null && PENDING[pending] !== undefined && (
          <>
            <Icon name="loading" spin /> {PENDING[pending]}
          </>
        )}
      </p>
    </div>
  );
}

/** The same in a few lines, below a conversation. */
export function SignInLine({ store, problem }: SignInProps) {
  const { pending, run } = usePending(store);
  const { login } = problem;
  const waiting = login?.state === 'waiting';
  return (
    <div class="problem sign-in-line" role="status">
      <Icon name={waiting ? 'loading' : 'account'} spin={waiting} />
      <div>
        {login?.state === 'failed' ? <ErrorText error={login.error} /> : <p>{lineOf(problem)}</p>}
        {waiting && login.kind === 'device_code' && <UserCode code={login.userCode} />}
        <p class="actions">
          {choicesOf(problem).map(([what, label]) => (
            <button
              key={what}
              type="button"
              class="link-button"
              aria-disabled={isOff(what, pending)}
              onClick={() => run(what)}
            >
              {label}
            </button>
          ))}
        </p>
      </div>
    </div>
  );
}

function Buttons(props: {
  readonly choices: readonly Choice[];
  readonly pending: LoginAction | null;
  readonly run: (what: LoginAction) => void;
}) {
  return props.choices.map(([what, label], place) => (
    <button
      key={what}
      type="button"
      class={place === 0 ? 'primary' : 'secondary'}
      aria-disabled={isOff(what, props.pending)}
      onClick={() => props.run(what)}
    >
      {label}
    </button>
  ));
}

/** Read letter by letter: as a word nobody could type it in. */
function UserCode({ code }: { code: string }) {
  return (
    <p class="user-code">
      <span aria-hidden="true">{code}</span>
      <span class="sr-only">{[...code].join(' ')}</span>
    </p>
  );
}

/** What can be done now, the best first. */
function choicesOf({ login, remote }: LoggedOut): Choice[] {
  if (login?.state === 'waiting') {
    if (login.kind === 'device_code') {
      return [
        ['open', t('Open the Page')],
        ['copy', t('Copy the Code')],
        ['cancel', t('Cancel')],
      ];
    }
    return [
      ['open', t('Open the Page')],
      ['device_code', t('Use a Device Code')],
      ['cancel', t('Cancel')],
    ];
  }
  const browser: Choice = ['chatgpt', t('Sign In with ChatGPT')];
  const device: Choice = ['device_code', t('Use a Device Code')];
  return [
    ...(remote ? [device, browser] : [browser, device]),
    ['api_key', t('Use an API Key')],
    ['provider', t('Use Another Model Provider')],
  ];
}

function lineOf({ login }: LoggedOut): string {
  if (login?.state !== 'waiting') return t('Codex is not signed in.');
  return login.kind === 'device_code'
    ? t('Type this code in on {0}. It holds until {1}.', login.url, timeOf(login.expiresAt))
    : t('Sign in on the page in your browser.');
}

function timeOf(at: number): string {
  return new Date(at).toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' });
}

/**
 * The button that was pressed goes with its state: the focus goes on to the first of the next one, and at the end
 * to the prompt. A focus that is elsewhere stays there.
 */
function useKeptFocus(root: RefObject<HTMLElement | null>, state: string): void {
  const lost = () => document.activeElement === document.body && document.hasFocus();
  const shown = useRef(state);
  useLayoutEffect(() => {
    if (shown.current !== state && lost()) root.current?.querySelector('button')?.focus();
    shown.current = state;
  }, [state, root]);
  useEffect(
    () => () => {
      // After the buttons are gone.
      queueMicrotask(() => {
        if (lost()) document.querySelector('textarea')?.focus();
      });
    },
    [],
  );
}

/** What waits can be cancelled at any time. */
function isOff(what: LoginAction, pending: LoginAction | null): boolean {
  return pending !== null && what !== 'cancel';
}

/** One action at a time. The buttons only say that they do nothing now: a disabled one would lose the focus. */
function usePending(store: ChatStore) {
  const [pending, setPending] = useState<LoginAction | null>(null);
  const run = (what: LoginAction) => {
    if (isOff(what, pending)) return;
    setPending(what);
    void store.ask('login', { what }).finally(() => setPending(null));
  };
  return { pending, run };
}
