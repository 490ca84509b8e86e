/** Every command of the extension: package.json declares the same ones (checked by a test). */
export const COMMAND_IDS = [
  'codexBridge.newSession',
  'codexBridge.ask',
  'codexBridge.cancel',
  'codexBridge.showSession',
  'codexBridge.restartCodex',
  'codexBridge.exportSession',
  'codexBridge.copyMcpConfiguration',
  'codexBridge.showLog',
  'codexBridge.runDoctor',
  'codexBridge.stopBridge',
] as const;

export type CommandId = (typeof COMMAND_IDS)[number];

/** The chat view, as package.json names it. */
export const CHAT_VIEW = 'codexBridge.chat';
