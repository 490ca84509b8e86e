import { defineConfig } from 'vitest/config';

/** Fast and pure (`unit`); the real Codex (`codex`); MCP clients (`clients`); a browser on a real VS Code (`e2e`). */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          setupFiles: 'test/support/fastCheck.ts',
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'codex',
          include: ['test/codex/**/*.test.ts'],
          globalSetup: 'test/support/buildRuntime.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'clients',
          include: ['test/clients/**/*.test.ts'],
          globalSetup: ['test/support/buildRuntime.ts', 'test/support/clientTools.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: 'test/support/packedExtension.ts',
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // What is looked for in a window comes when the machine has time for it.
          expect: { poll: { timeout: 10_000 } },
          // A browser on a machine that others use: what does not pass at the first try is named in the result.
          retry: process.env['CI'] === undefined ? 0 : 2,
          fileParallelism: false,
        },
      },
    ],
  },
});
