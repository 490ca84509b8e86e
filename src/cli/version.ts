/** The version of this build, put in by esbuild. */
export const VERSION = process.env.CODEX_BRIDGE_VERSION ?? '0.0.0';
