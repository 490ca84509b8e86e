import type { ReviewTarget } from '../../../src/shared/review.ts';
import { t } from '../../l10n.ts';
import type { ChatStore } from '../store.ts';

export interface SlashCommand {
  readonly name: string;
  readonly description: string;
  readonly icon: string;
  /** What stands behind it; absent: it takes nothing and runs as soon as it is chosen. */
  readonly argument?: string;
  /** It does something with the open session. */
  readonly needsSession?: true;
  run(store: ChatStore, argument: string, session: string): Promise<unknown>;
}

const READ_ONLY = { sandbox: 'read-only' } as const;

const PLAN =
  'Plan how you would do the following. Look at what you need to, but change nothing. End with numbered steps, each with the files that it touches.';

/** What `/` offers. Only what really works is here. */
export const SLASH_COMMANDS: readonly SlashCommand[] = [
  {
    name: 'new',
    description: t('Begin a new session'),
    icon: 'add',
    run: (store) => store.ask('session.new', {}),
  },
  {
    name: 'plan',
    description: t('Have Codex plan without changing anything'),
    icon: 'checklist',
    argument: t('what to plan'),
    run: (store, task) =>
      store.sendPrompt(task === '' ? '' : `${PLAN}\n\n${task}`, {
        settings: READ_ONLY,
        typed: `/plan ${task}`,
      }),
  },
  {
    name: 'review',
    description: t('Have your uncommitted changes reviewed'),
    icon: 'git-compare',
    argument: t('what to look at; or branch [name], commit [id] (optional)'),
    run: (store, argument) => {
      const typed = `/review ${argument}`.trim();
      const [, what, ref] = /^(branch|commit)(?:\s+(\S+))?$/.exec(argument) ?? [];
      if ((what === 'branch' || what === 'commit') && ref === undefined)
        return store.ask('review.pick', { what });
      return store.startTask({ kind: 'review', target: targetOf(argument, what, ref) }, typed);
    },
  },
  {
    name: 'compact',
    description: t('Make the conversation shorter for the model'),
    icon: 'fold',
    needsSession: true,
    run: (store) => store.startTask({ kind: 'compact' }, '/compact'),
  },
  {
    name: 'fork',
    description: t('Go on in a copy of this session'),
    icon: 'repo-forked',
    needsSession: true,
    run: (store, _argument, session) => store.ask('session.command', { session, command: { name: 'fork' } }),
  },
  {
    name: 'rename',
    description: t('Give this session another title'),
    icon: 'edit',
    argument: t('the new title'),
    needsSession: true,
    run: async (store, title, session) => {
      if (title === '') return undefined;
      return store.ask('session.command', { session, command: { name: 'rename', title } });
    },
  },
  {
    name: 'export',
    description: t('Save this session as Markdown or JSON'),
    icon: 'export',
    needsSession: true,
    run: (store, _argument, session) =>
      store.ask('session.command', { session, command: { name: 'export' } }),
  },
  {
    name: 'archive',
    description: t('Take this session out of the list'),
    icon: 'archive',
    needsSession: true,
    run: (store, _argument, session) =>
      store.ask('session.command', { session, command: { name: 'archive' } }),
  },
  {
    name: 'clear',
    description: t('Empty the composer'),
    icon: 'clear-all',
    run: async (store) => {
      store.attachments.value = [];
      return null;
    },
  },
];

function targetOf(hint: string, what: string | undefined, ref: string | undefined): ReviewTarget {
  if (what === 'branch' && ref !== undefined) return { kind: 'branch', branch: ref };
  if (what === 'commit' && ref !== undefined) return { kind: 'commit', commit: ref };
  return hint === '' ? { kind: 'uncommitted' } : { kind: 'uncommitted', instructions: hint };
}

/** Those whose name begins with this, of those that can be used now. */
export function commandsFor(query: string, hasSession: boolean): SlashCommand[] {
  return SLASH_COMMANDS.filter(
    ({ name, needsSession }) => name.startsWith(query) && (needsSession !== true || hasSession),
  );
}

/** The command that a text calls; a text that only looks like one ("/etc/hosts is …") is a prompt. */
export function parseCommand(
  text: string,
  hasSession: boolean,
): { command: SlashCommand; argument: string } | undefined {
  const [, name, argument = ''] = /^\/([a-z]+)(?:\s+([\s\S]*))?$/.exec(text.trim()) ?? [];
  const command = SLASH_COMMANDS.find((known) => known.name === name);
  if (command === undefined || (command.needsSession === true && !hasSession)) return undefined;
  // "/new is a folder" is not the command that takes nothing.
  if (command.argument === undefined && argument !== '') return undefined;
  return { command, argument: argument.trim() };
}
