import { isNode } from './views/sessionNodes.ts';

/**
 * What VS Code gives to a command that was called from a menu: a node of a tree, or the source control of the
 * Source Control view. Nobody's code waits for such a command.
 */
export function isFromMenu(argument: unknown): boolean {
  if (isNode(argument)) return true;
  return typeof argument === 'object' && argument !== null && 'rootUri' in argument;
}
