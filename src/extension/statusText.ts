import { errorText } from '../shared/errorSentences.ts';
import type { CodexStatus } from '../shared/faces.ts';
import type { Translate } from '../shared/l10n.ts';
import type { AccountInfo } from '../shared/login.ts';
import { visibleLine } from '../shared/visible.ts';
import { type Asked, questionOf } from './approvalWatch.ts';
import type { LinkState } from './bridgeLink.ts';

export interface StatusInput {
  readonly hasFolder: boolean;
  readonly trusted: boolean;
  readonly link: LinkState;
  /** Of the first folder of this window where something is wrong, else of any. */
  readonly codex?: CodexStatus;
  /** Sessions whose turn runs or waits for an answer. */
  readonly running: number;
  readonly queued: number;
  readonly asked: readonly Asked[];
}

export interface StatusText {
  /** With codicons, for the status bar. */
  readonly text: string;
  readonly level: 'plain' | 'warning' | 'error';
  /** Plain text, a paragraph each. */
  readonly details: readonly string[];
}

/** What the status bar says; undefined where it says nothing, in a window without folder. */
export function statusText(input: StatusInput, t: Translate): StatusText | undefined {
  const { hasFolder, trusted, link, codex, running, queued, asked } = input;
  if (!hasFolder) return undefined;
  if (!trusted) {
    return {
      text: '$(shield) Codex',
      level: 'plain',
      details: [t('Codex Bridge does nothing in a folder that you do not trust.')],
    };
  }
  if (asked.length > 0) {
    const questions = asked.length === 1 ? t('1 question') : t('{0} questions', asked.length);
    const more = running > asked.length ? `, ${t('{0} running', running)}` : '';
    return {
      text: `$(bell-dot) Codex: ${questions}${more}`,
      level: 'warning',
      details: asked.map(({ title, approval }) =>
        t('"{0}" asks to {1}', visibleLine(title), questionOf(approval, t)),
      ),
    };
  }
  if (link.kind === 'failed' && !link.retrying) {
    return {
      text: `$(error) ${t('Codex: not connected')}`,
      level: 'error',
      details: [errorText(link.error, t)],
    };
  }
  if (link.kind === 'connecting' || link.kind === 'failed') {
    return {
      text: `$(loading~spin) ${t('Codex: connecting')}`,
      level: 'plain',
      details: [t('Connecting to the bridge.')],
    };
  }
  if (codex?.state === 'failed') {
    const message =
      codex.error === undefined
        ? t('Codex could not be started. "Run Doctor" tells why.')
        : errorText(codex.error, t);
    return { text: `$(error) ${t('Codex: failed')}`, level: 'error', details: [message] };
  }
  if (codex?.loggedIn === false) {
    return {
      text: `$(account) ${t('Codex: not logged in')}`,
      level: 'warning',
      details: [t('Codex has no login. The chat offers the ways to sign in.')],
    };
  }
  if (running + queued > 0) {
    const parts = [
      ...(running > 0 ? [t('{0} running', running)] : []),
      ...(queued > 0 ? [t('{0} queued', queued)] : []),
    ];
    return { text: `$(sync~spin) Codex: ${parts.join(', ')}`, level: 'plain', details: [about(codex, t)] };
  }
  return {
    text: '$(comment-discussion) Codex',
    level: 'plain',
    details: [link.kind === 'connected' ? about(codex, t) : t('The bridge starts with your first prompt.')],
  };
}

function about(codex: CodexStatus | undefined, t: Translate): string {
  const version = codex?.version === undefined ? '' : ` ${codex.version}`;
  const account = codex?.account === undefined ? '' : `, ${accountText(codex.account, t)}`;
  return `${t('The bridge is connected.')} Codex${version}${account}`;
}

/** Who is logged in, in a few words. */
export function accountText({ kind, email, plan }: AccountInfo, t: Translate): string {
  if (kind === 'apiKey') return t('API key');
  if (kind !== 'chatgpt') return kind;
  const who = email ?? 'ChatGPT';
  return plan === undefined || plan === 'unknown' ? who : `${who} (${plan})`;
}
