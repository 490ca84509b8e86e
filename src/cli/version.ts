import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The version of this build, put in by esbuild. */
export const VERSION = process.env.CODEX_BRIDGE_VERSION ?? '0.0.0';

/** The folder that this program runs from: `cli.mjs` and its chunks lie side by side in it. */
export const RUNTIME = dirname(fileURLToPath(import.meta.url));
