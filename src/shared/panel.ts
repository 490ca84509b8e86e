import * as z from 'zod/mini';
import { type ChangesEvents, type ChangesRequests, changesParams } from './changes.ts';
import { envelopedPort, type MessagePort, type ParamSchemas } from './rpc.ts';

/**
 * The contract between the extension host and a session panel, beside the chat's own: the panel shows one session
 * in tabs, and the chat is one of them.
 */
export const PANEL_TABS = ['chat', 'changes', 'terminal'] as const;

export type PanelTab = (typeof PANEL_TABS)[number];

/** One patch; a longer one is nothing for a clipboard. UTF-16 units. */
const MAX_COPIED = 20_000_000;

const id = z.string().check(z.minLength(1), z.maxLength(128));
const path = z.string().check(z.minLength(1), z.maxLength(4096));

export const panelParams = {
  /** The document is there and wants to know what to show. */
  'panel.ready': z.object({}),
  /** Another tab is shown. One that is another document replaces this one. */
  'panel.tab': z.object({ tab: z.enum(PANEL_TABS) }),
  copy: z.object({ text: z.string().check(z.maxLength(MAX_COPIED)) }),
  /** One changed file in VS Code's diff editor, against the file as it is now. */
  'changes.openDiff': z.object({ session: id, turn: id, path }),
  /** All text files of a turn in VS Code's multi-file diff editor. */
  'changes.openAll': z.object({ session: id, turn: id }),
  ...changesParams,
};

type PanelRequests = {
  'panel.ready': {
    params: z.infer<(typeof panelParams)['panel.ready']>;
    /** `tabs`: those that this panel has. */
    result: { tab: PanelTab; tabs: readonly PanelTab[] };
  };
  'panel.tab': { params: z.infer<(typeof panelParams)['panel.tab']>; result: null };
  copy: { params: z.infer<typeof panelParams.copy>; result: null };
  'changes.openDiff': { params: z.infer<(typeof panelParams)['changes.openDiff']>; result: null };
  'changes.openAll': { params: z.infer<(typeof panelParams)['changes.openAll']>; result: null };
} & ChangesRequests;

export interface PanelContract {
  requests: PanelRequests;
  events: ChangesEvents & {
    /** Asked for from outside, by a command. */
    'panel.show': { tab: PanelTab };
  };
}

export const panelSchemas: ParamSchemas<PanelContract> = panelParams;

/** What a panel's document has VS Code keep for it over a reload. */
export interface PanelState {
  readonly session: string | null;
  readonly tab: PanelTab;
}

const panelStateSchema = z.object({ session: z.nullable(id), tab: z.enum(PANEL_TABS) });

/** Read at the border: an older version of ours may have written it. */
export function parsePanelState(value: unknown): PanelState {
  const parsed = panelStateSchema.safeParse(value);
  return parsed.success ? parsed.data : { session: null, tab: 'chat' };
}

const ENVELOPE = 'panel';

/**
 * The panel's line beside the chat's on the same port: its messages travel as an event that the chat's contract
 * does not have.
 */
export function panelPort(port: MessagePort): MessagePort {
  return envelopedPort(port, ENVELOPE);
}
