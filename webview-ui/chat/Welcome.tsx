import type { ComponentChildren } from 'preact';
import type { AnyError } from '../../src/shared/errorSentences.ts';
import type { Params } from '../../src/shared/rpc.ts';
import type { ChatContract, ChatProblem } from '../../src/shared/webview.ts';
import { t } from '../l10n.ts';
import { ErrorText } from './ErrorText.tsx';
import { Icon } from './Icon.tsx';
import { SignIn, SignInLine } from './SignIn.tsx';
import type { ChatStore } from './store.ts';

type ActionName = Params<ChatContract, 'action'>['name'];

/** What stands in the place of a conversation: a greeting, or what keeps the chat from working. */
export function Welcome({ store }: { store: ChatStore }) {
  const { problem } = store.window.value;
  switch (problem?.kind) {
    case 'no_folder':
      return (
        <Notice
          icon="folder-opened"
          title={t('Open a folder')}
          text={t('Codex works in a folder of yours.')}
          store={store}
          actions={[['open_folder', t('Open Folder')]]}
        />
      );
    case 'untrusted':
      return (
        <Notice
          icon="workspace-untrusted"
          title={t('This folder is not trusted')}
          text={t('Codex runs commands in the folder. Nothing is started before you trust it.')}
          store={store}
          actions={[['manage_trust', t('Manage Trust')]]}
        />
      );
    case 'no_codex':
      return (
        <Notice
          icon="search-stop"
          title={problem.tooOld ? t('Codex is too old') : t('Codex was not found')}
          text={{ code: problem.tooOld ? 'CODEX_TOO_OLD' : 'CODEX_NOT_FOUND', message: problem.message }}
          store={store}
          actions={[
            ['install_codex', problem.tooOld ? t('Update in a Terminal') : t('Install in a Terminal')],
            ['open_settings', t('Open Settings')],
          ]}
        >
          <button
            type="button"
            class="link-button"
            onClick={() => void store.ask('login', { what: 'check' })}
          >
            {t('Check again')}
          </button>
        </Notice>
      );
    case 'codex_stopped':
      return (
        <Notice
          icon="error"
          title={t('Codex keeps crashing')}
          text={problem}
          showCode
          store={store}
          actions={[
            ['restart_codex', t('Restart Codex')],
            ['show_log', t('Show Log')],
          ]}
        />
      );
    case 'logged_out':
      return <SignIn store={store} problem={problem} />;
    case 'error':
      return (
        <Notice
          icon="error"
          title={t('Codex Bridge could not start')}
          text={problem}
          showCode
          store={store}
          actions={[['retry', t('Try Again')], ...errorActions(problem)]}
        />
      );
    default:
      return (
        <Notice
          icon="comment-discussion"
          title={t('Ask Codex')}
          text={t(
            'It reads this folder, runs commands in a sandbox, and asks you before it leaves it. What you start here goes on when the window closes.',
          )}
          store={store}
          actions={[]}
        />
      );
  }
}

/** The same as one line, where a conversation is shown above it. */
export function ProblemLine({ store }: { store: ChatStore }) {
  const { problem } = store.window.value;
  if (problem === null) return null;
  if (problem.kind === 'connecting') {
    return (
      <p class="connecting" role="status">
        <Icon name="loading" spin /> {t('Connecting to the bridge')}
      </p>
    );
  }
  if (problem.kind === 'logged_out') {
    return store.turns.value.length > 0 ? <SignInLine store={store} problem={problem} /> : null;
  }
  if (problem.kind === 'history') {
    return (
      <div class="problem warning" role="alert">
        <Icon name="warning" />
        <div>
          <ErrorText error={problem} />
          <p class="actions">
            <code>{problem.code}</code>
            <Action store={store} name="show_log" label={t('Show log')} />
          </p>
        </div>
      </div>
    );
  }
  if (problem.kind !== 'error' && problem.kind !== 'codex_stopped') return null;
  if (store.head.value === null) return null;
  return (
    <div class="problem" role="alert">
      <Icon name="error" />
      <div>
        <ErrorText error={problem} />
        <p class="actions">
          <code>{problem.code}</code>
          {problem.kind === 'codex_stopped' ? (
            <Action store={store} name="restart_codex" label={t('Restart Codex')} />
          ) : (
            <Action store={store} name="retry" label={t('Try again')} />
          )}
          <Action store={store} name="show_log" label={t('Show log')} />
        </p>
      </div>
    </div>
  );
}

/** What went wrong with the person's last action. */
export function FailureLine({ store }: { store: ChatStore }) {
  const failure = store.failure.value;
  if (failure === null) return null;
  return (
    <div class="problem" role="alert">
      <Icon name="error" />
      <div>
        <ErrorText error={failure} />
        <p class="actions">
          <code>{failure.code}</code>
          {isMendedInSettings(failure.code) && (
            <Action store={store} name="open_settings" label={t('Open settings')} />
          )}
          <Action store={store} name="show_log" label={t('Show log')} />
          <button
            type="button"
            class="link-button"
            onClick={() => {
              store.failure.value = null;
            }}
          >
            {t('Dismiss')}
          </button>
        </p>
      </div>
    </div>
  );
}

function errorActions(problem: Extract<ChatProblem, { kind: 'error' }>): [ActionName, string][] {
  const log: [ActionName, string] = ['show_log', t('Show Log')];
  return isMendedInSettings(problem.code) ? [['open_settings', t('Open Settings')], log] : [log];
}

function isMendedInSettings(code: string): boolean {
  return ['CODEX_NOT_FOUND', 'CODEX_TOO_OLD', 'INVALID_INPUT', 'RIGHTS_EXCEED_CEILING'].includes(code);
}

function Notice(props: {
  icon: string;
  title: string;
  text: string | AnyError;
  showCode?: boolean;
  actions: readonly [ActionName, string][];
  store: ChatStore;
  children?: ComponentChildren;
}) {
  return (
    <div class="welcome">
      <Icon name={props.icon} />
      <h1>{props.title}</h1>
      {typeof props.text === 'string' ? <p>{props.text}</p> : <ErrorText error={props.text} />}
      {typeof props.text !== 'string' && props.showCode === true && <code>{props.text.code}</code>}
      {props.actions.map(([name, label], place) => (
        <button
          key={name}
          type="button"
          class={place === 0 ? 'primary' : 'secondary'}
          onClick={() => void props.store.ask('action', { name })}
        >
          {label}
        </button>
      ))}
      {props.children}
    </div>
  );
}

function Action({ store, name, label }: { store: ChatStore; name: ActionName; label: string }) {
  return (
    <button type="button" class="link-button" onClick={() => void store.ask('action', { name })}>
      {label}
    </button>
  );
}
