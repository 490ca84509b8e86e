import * as z from 'zod/mini';
import { BridgeError } from './errors.ts';
import type { ApprovalPolicy, SandboxMode, SessionSettings } from './session.ts';

export const sandboxSchema = z.enum(['read-only', 'workspace-write', 'danger-full-access']);
export const approvalPolicySchema = z.enum(['untrusted', 'on-request', 'never']);

/** Which tools MCP clients are told of: some of them count, or load every description into their context. */
export const toolProfileSchema = z.enum(['all', 'core', 'compat']);
export type ToolProfile = z.infer<typeof toolProfileSchema>;

export const logLevelSchema = z.enum(['debug', 'info', 'warn', 'error']);
export type LogLevel = z.infer<typeof logLevelSchema>;

/** From the least to the most rights. A caller may ask for anything up to the ceiling. */
const SANDBOX_ORDER: readonly SandboxMode[] = ['read-only', 'workspace-write', 'danger-full-access'];
/** From the most to the least asking. */
const APPROVAL_ORDER: readonly ApprovalPolicy[] = ['untrusted', 'on-request', 'never'];

/** A variable of the environment by name, a family of them (`PREFIX_*`), or all (`*`). */
export const variablePattern = z.string().check(z.regex(/^([A-Za-z_][\w()]*\*?|\*)$/), z.maxLength(200));

/** POSIX, a drive letter of Windows, or UNC. The platform is the bridge's, which is this one. */
const absolutePath = z.string().check(z.regex(/^([A-Za-z]:[\\/]|[\\/])[^\0]*$/), z.maxLength(4096));

const price = z.object({
  /** Currency units per million tokens. */
  input: z.number(),
  cachedInput: z.exactOptional(z.number()),
  output: z.number(),
});

/**
 * What the person decided, in application-scoped settings or flags. A window sends it when it joins; the
 * bridge keeps it in `<state>/settings.json` (0600), so that a bridge started from a shell has the same.
 */
export const bridgeSettingsSchema = z.object({
  /** Absolute path of the Codex binary; absent: `CODEX_BRIDGE_CODEX`, then PATH. */
  codexPath: z.exactOptional(z.string()),
  codex: z.exactOptional(
    z.object({
      /** What Codex inherits from the bridge's environment beside the usual. Absent: no more than that. */
      environment: z.exactOptional(z.array(variablePattern).check(z.maxLength(500))),
    }),
  ),
  ceiling: z.object({
    sandbox: sandboxSchema,
    approvalPolicy: approvalPolicySchema,
    network: z.boolean(),
    /** Directories that commands in the `workspace-write` sandbox may write to beside the folder. */
    writableRoots: z.exactOptional(z.array(absolutePath).check(z.maxLength(100))),
    /** A person may accept what Codex asks for the rest of its session, instead of once. */
    acceptForSession: z.exactOptional(z.boolean()),
  }),
  defaults: z.object({
    model: z.exactOptional(z.string()),
    effort: z.exactOptional(z.string()),
    sandbox: sandboxSchema,
    approvalPolicy: approvalPolicySchema,
  }),
  limits: z.object({
    /** Turns of one folder that run at once; the rest is queued in order. */
    runningTurns: z.int().check(z.gte(1), z.lte(1000)),
    /** Sessions of one folder loaded in Codex at once; the oldest idle one is unloaded. */
    loadedSessions: z.int().check(z.gte(1), z.lte(1000)),
    /** Minutes until an idle session is unloaded; 0: never. */
    idleUnloadMinutes: z.number().check(z.gte(0)),
    /** Days until an unused session is deleted; 0: never. */
    sessionExpiryDays: z.number().check(z.gte(0)),
    /** Minutes after which a running turn is interrupted; 0: never. */
    turnTimeoutMinutes: z.number().check(z.gte(0)),
    /** Minutes until an approval is declined when no face is there that could answer. */
    approvalMinutesAlone: z.number().check(z.gt(0)),
    /** Minutes until an approval is declined also when a face is there; 0: it waits. */
    approvalMinutes: z.exactOptional(z.number().check(z.gte(0))),
    /** Prompts waiting in one session. */
    queuedTurns: z.int().check(z.gte(1), z.lte(10_000)),
    /** Seconds that the bridge stays when no face, no client and no turn is there. */
    graceSeconds: z.number().check(z.gte(0)),
  }),
  /** What MCP clients see. Absent in what an older window sends, or an older bridge has written. */
  mcp: z._default(
    z.object({
      toolProfile: z._default(toolProfileSchema, 'all'),
      /** Approvals also go to the MCP client that waits, where it can ask its person. */
      elicitApprovals: z._default(z.boolean(), false),
    }),
    { toolProfile: 'all', elicitApprovals: false },
  ),
  /** The least that the bridge's log takes up. Absent in what an older window sends. */
  log: z._default(z.object({ level: z._default(logLevelSchema, 'info') }), { level: 'info' }),
  /** By model name; used for `usage.cost`. */
  prices: z.record(z.string(), price),
  currency: z.string(),
});

export type BridgeSettings = z.infer<typeof bridgeSettingsSchema>;

export const DEFAULT_SETTINGS: BridgeSettings = {
  codex: { environment: [] },
  ceiling: {
    sandbox: 'workspace-write',
    approvalPolicy: 'on-request',
    network: false,
    writableRoots: [],
    acceptForSession: false,
  },
  defaults: { sandbox: 'workspace-write', approvalPolicy: 'on-request' },
  limits: {
    runningTurns: 4,
    loadedSessions: 50,
    idleUnloadMinutes: 30,
    sessionExpiryDays: 0,
    turnTimeoutMinutes: 120,
    approvalMinutesAlone: 5,
    approvalMinutes: 0,
    queuedTurns: 100,
    graceSeconds: 60,
  },
  mcp: { toolProfile: 'all', elicitApprovals: false },
  log: { level: 'info' },
  prices: {},
  currency: 'USD',
};

/** What a turn may do. */
export interface TurnRights {
  readonly sandbox: SandboxMode;
  readonly approvalPolicy: ApprovalPolicy;
  readonly network: boolean;
  /** Absolute; only in the `workspace-write` sandbox. */
  readonly writableRoots: readonly string[];
}

/**
 * The rights that a turn runs with: what was asked for, else the defaults, never above the ceiling.
 *
 * @throws BridgeError `RIGHTS_EXCEED_CEILING` when more was asked for than the person allows.
 */
export function effectiveRights(settings: BridgeSettings, asked: SessionSettings): TurnRights {
  const { ceiling, defaults } = settings;
  if (asked.sandbox !== undefined) refuseAbove('sandbox', SANDBOX_ORDER, asked.sandbox, ceiling.sandbox);
  if (asked.approvalPolicy !== undefined) {
    refuseAbove('approval_policy', APPROVAL_ORDER, asked.approvalPolicy, ceiling.approvalPolicy);
  }
  return {
    sandbox: lower(SANDBOX_ORDER, asked.sandbox ?? defaults.sandbox, ceiling.sandbox),
    approvalPolicy: lower(
      APPROVAL_ORDER,
      asked.approvalPolicy ?? defaults.approvalPolicy,
      ceiling.approvalPolicy,
    ),
    network: ceiling.network,
    writableRoots: ceiling.writableRoots ?? [],
  };
}

/**
 * The rights of a turn that must not get more than its sandbox: Codex can't ask for it, and nothing beside its
 * directory can be written to. Where somebody wants a
 * person to be asked about every command, that stays so.
 *
 * @throws BridgeError `RIGHTS_EXCEED_CEILING` when the sandbox, or what was asked for, is more than the person
 * allows.
 */
export function confinedRights(
  settings: BridgeSettings,
  asked: SessionSettings,
  sandbox: 'read-only' | 'workspace-write',
): TurnRights {
  const asksForAll = effectiveRights(settings, asked).approvalPolicy === 'untrusted';
  return {
    sandbox: effectiveRights(settings, { sandbox }).sandbox,
    approvalPolicy: asksForAll ? 'untrusted' : 'never',
    network: settings.ceiling.network,
    writableRoots: [],
  };
}

function refuseAbove<T extends string>(name: string, order: readonly T[], asked: T, ceiling: T): void {
  if (order.indexOf(asked) <= order.indexOf(ceiling)) return;
  throw new BridgeError(
    'RIGHTS_EXCEED_CEILING',
    `${name} "${asked}" is more than this person allows ("${ceiling}"). Ask for "${ceiling}" or less, or have the person raise the codexBridge.ceiling setting.`,
  );
}

function lower<T extends string>(order: readonly T[], a: T, b: T): T {
  return order.indexOf(a) <= order.indexOf(b) ? a : b;
}
