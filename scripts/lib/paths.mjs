// Where things are. Plain Node 20, no dependencies: this runs before anything is installed.
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** The folder of the Node that the project is built and tested with (the `node` devDependency). */
export const projectNodeFolder = join(root, 'node_modules/node/bin');

export const projectNode = join(projectNodeFolder, process.platform === 'win32' ? 'node.exe' : 'node');

/** The environment for the project's tools: their commands and the given Node first on the PATH. */
export function toolEnvironment(nodeFolder = projectNodeFolder, extra = {}) {
  const path = [nodeFolder, join(root, 'node_modules/.bin'), process.env.PATH ?? ''].join(delimiter);
  return { ...process.env, PATH: path, ...extra };
}
