import { BridgeError, messageOf } from '../shared/errors.ts';
import { type BridgeSettings, bridgeSettingsSchema } from '../shared/settings.ts';

/** The part of `vscode.WorkspaceConfiguration` that is needed; its defaults are package.json's. */
export interface Configuration {
  get<T>(section: string): T | undefined;
}

/**
 * The person's settings as the bridge wants them. All of them are application-scoped, so that no workspace
 * can loosen them.
 *
 * @throws BridgeError `INVALID_INPUT` that names the setting: VS Code does not check values.
 */
export function readSettings(configuration: Configuration): BridgeSettings {
  const get = (name: string) => configuration.get<unknown>(name);
  const text = (name: string) => {
    const value = get(name);
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  };
  const codexPath = text('codexPath');
  const model = text('defaults.model');
  const effort = text('defaults.effort');
  const wanted = {
    ...(codexPath === undefined ? {} : { codexPath }),
    codex: { environment: get('codex.environment') },
    ceiling: {
      sandbox: get('ceiling.sandbox'),
      approvalPolicy: get('ceiling.approvalPolicy'),
      network: get('ceiling.network'),
      writableRoots: get('ceiling.writableRoots'),
      acceptForSession: get('ceiling.acceptForSession'),
    },
    defaults: {
      ...(model === undefined ? {} : { model }),
      ...(effort === undefined ? {} : { effort }),
      sandbox: get('defaults.sandbox'),
      approvalPolicy: get('defaults.approvalPolicy'),
    },
    limits: {
      runningTurns: get('limits.runningTurns'),
      loadedSessions: get('limits.loadedSessions'),
      idleUnloadMinutes: get('limits.idleUnloadMinutes'),
      sessionExpiryDays: get('limits.sessionExpiryDays'),
      turnTimeoutMinutes: get('limits.turnTimeoutMinutes'),
      approvalMinutesAlone: get('limits.approvalMinutesAlone'),
      approvalMinutes: get('limits.approvalMinutes'),
      queuedTurns: get('limits.queuedTurns'),
      graceSeconds: get('limits.graceSeconds'),
    },
    mcp: { toolProfile: get('mcp.toolProfile'), elicitApprovals: get('mcp.elicitApprovals') },
    log: { level: get('log.level') },
    prices: get('prices'),
    currency: get('currency'),
  };
  const parsed = bridgeSettingsSchema.safeParse(wanted);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new BridgeError(
    'INVALID_INPUT',
    `The setting codexBridge.${issue?.path.join('.') ?? ''} has a value that can't be used: ${issue?.message ?? messageOf(parsed.error)}. Correct it in the settings.`,
  );
}
