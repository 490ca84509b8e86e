/** Those of the sessions view. */
const SESSION_COMMAND_IDS = [
  'codexBridge.renameSession',
  'codexBridge.forkSession',
  'codexBridge.archiveSession',
  'codexBridge.unarchiveSession',
  'codexBridge.deleteSession',
  'codexBridge.importSessions',
  'codexBridge.filterSessions',
  'codexBridge.clearSessionFilter',
  'codexBridge.showArchivedSessions',
  'codexBridge.hideArchivedSessions',
] as const;

export type SessionCommandId = (typeof SESSION_COMMAND_IDS)[number];

/** Those of the editor's menu and the light bulb. */
const EDITOR_COMMAND_IDS = [
  'codexBridge.askAboutSelection',
  'codexBridge.explain',
  'codexBridge.generateTests',
  'codexBridge.fixProblem',
  'codexBridge.plan',
] as const;

export type EditorCommandId = (typeof EDITOR_COMMAND_IDS)[number];

/** Those that review, from the palette and the Source Control view, and make a conversation shorter. */
const REVIEW_COMMAND_IDS = [
  'codexBridge.reviewChanges',
  'codexBridge.reviewBranch',
  'codexBridge.reviewCommit',
  'codexBridge.compact',
] as const;

export type ReviewCommandId = (typeof REVIEW_COMMAND_IDS)[number];

/** Those that show a session's terminal. */
const TERMINAL_COMMAND_IDS = ['codexBridge.openTerminal', 'codexBridge.openIntegratedTerminal'] as const;

export type TerminalCommandId = (typeof TERMINAL_COMMAND_IDS)[number];

const LOGIN_COMMAND_IDS = ['codexBridge.signIn', 'codexBridge.signOut'] as const;

export type LoginCommandId = (typeof LOGIN_COMMAND_IDS)[number];

/** Those that say what of a repository Codex may run. */
const TRUST_COMMAND_IDS = ['codexBridge.trustFolder', 'codexBridge.untrustFolder'] as const;

export type TrustCommandId = (typeof TRUST_COMMAND_IDS)[number];

/** Every command of the extension: package.json declares the same ones (checked by a test). */
export const COMMAND_IDS = [
  ...SESSION_COMMAND_IDS,
  ...EDITOR_COMMAND_IDS,
  ...REVIEW_COMMAND_IDS,
  ...TERMINAL_COMMAND_IDS,
  ...LOGIN_COMMAND_IDS,
  ...TRUST_COMMAND_IDS,
  'codexBridge.showChat',
  'codexBridge.reviewApproval',
  'codexBridge.connectClaudeCode',
  'codexBridge.connectClient',
  'codexBridge.newSession',
  'codexBridge.ask',
  'codexBridge.cancel',
  'codexBridge.showSession',
  'codexBridge.openInEditor',
  'codexBridge.restartCodex',
  'codexBridge.exportSession',
  'codexBridge.copyMcpConfiguration',
  'codexBridge.copyHttpConfiguration',
  'codexBridge.showLog',
  'codexBridge.runDoctor',
  'codexBridge.copyDiagnostics',
  'codexBridge.showBridgeStatus',
  'codexBridge.stopBridge',
] as const;

export type CommandId = (typeof COMMAND_IDS)[number];

/** The views, as package.json names them. */
export const CHAT_VIEW = 'codexBridge.chat';
export const SESSIONS_VIEW = 'codexBridge.sessions';
export const CLIENTS_VIEW = 'codexBridge.clients';
/** `viewType` of the session panels; package.json's activation event names it, too. */
export const SESSION_PANEL = 'codexBridge.session';
