import type { Translate } from '../../../src/extension/translate.ts';

/** English as it is written, as VS Code has it without a language pack. */
export const plain: Translate = (message, ...args) =>
  message.replaceAll(/\{(\d)\}/g, (_all, index) => String(args[Number(index)] ?? `{${index}}`));
