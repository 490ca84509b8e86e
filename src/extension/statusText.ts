import type { CodexStatus } from '../shared/faces.ts';
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
export function statusText(input: StatusInput): StatusText | undefined {
  const { hasFolder, trusted, link, codex, running, queued, asked } = input;
  if (!hasFolder) return undefined;
  if (!trusted) {
    return {
      text: '$(shield) Codex',
      level: 'plain',
      details: ['Codex Bridge does nothing in a folder that you do not trust.'],
    };
  }
  if (asked.length > 0) {
    return {
      text: `$(bell-dot) Codex: ${count(asked.length, 'question')}${running > asked.length ? `, ${running} running` : ''}`,
      level: 'warning',
      details: asked.map(({ title, approval }) => `"${title}" asks to ${questionOf(approval)}`),
    };
  }
  if (link.kind === 'failed' && !link.retrying) {
    return { text: '$(error) Codex: not connected', level: 'error', details: [link.error.message] };
  }
  if (link.kind === 'connecting' || link.kind === 'failed') {
    return {
      text: '$(loading~spin) Codex: connecting',
      level: 'plain',
      details: ['Connecting to the bridge.'],
    };
  }
  if (codex?.state === 'failed') {
    const message = codex.error?.message ?? 'Codex could not be started. "Run Doctor" tells why.';
    return { text: '$(error) Codex: failed', level: 'error', details: [message] };
  }
  if (codex?.loggedIn === false) {
    return {
      text: '$(account) Codex: not logged in',
      level: 'warning',
      details: ['Codex has no login. Run "codex login" in a terminal, then ask again.'],
    };
  }
  if (running + queued > 0) {
    const parts = [
      ...(running > 0 ? [`${running} running`] : []),
      ...(queued > 0 ? [`${queued} queued`] : []),
    ];
    return { text: `$(sync~spin) Codex: ${parts.join(', ')}`, level: 'plain', details: [about(codex)] };
  }
  return {
    text: '$(comment-discussion) Codex',
    level: 'plain',
    details: [link.kind === 'connected' ? about(codex) : 'The bridge starts with your first prompt.'],
  };
}

function about(codex: CodexStatus | undefined): string {
  const version = codex?.version === undefined ? '' : ` ${codex.version}`;
  const account = codex?.account === undefined ? '' : `, ${codex.account}`;
  return `The bridge is connected. Codex${version}${account}`;
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`;
}
