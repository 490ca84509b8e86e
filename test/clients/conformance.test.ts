import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientCommand } from '../../scripts/lib/clientTools.mjs';
import { type TempDir, tempDir } from '../support/codexHome.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { TokenProxy } from '../support/tokenProxy.ts';

/** They call a tool, prompt or resource of the suite's own example server (`test_…`), which no other server has. */
const NEED_FIXTURES = [
  'completion-complete',
  'tools-call-image',
  'tools-call-audio',
  'tools-call-embedded-resource',
  'tools-call-mixed-content',
  'tools-call-with-progress',
  'resources-read-text',
  'resources-read-binary',
  'resources-templates-read',
  'prompts-get-simple',
  'prompts-get-with-args',
  'prompts-get-embedded-resource',
  'prompts-get-with-image',
  // Not scored: pending.
  'json-schema-2020-12',
];

/** What does not apply, and why; everything else must pass, and these must fail, so that the list stays true. */
const NOT_APPLICABLE: Readonly<Record<string, readonly string[]>> = {
  '2025-11-25': [
    ...NEED_FIXTURES,
    'tools-call-sampling',
    'tools-call-elicitation',
    'elicitation-sep1034-defaults',
    'elicitation-sep1330-enums',
    'server-sse-polling',
    // We declare no logging: what a turn does is its progress.
    'logging-set-level',
    'tools-call-with-logging',
  ],
  '2026-07-28': [
    ...NEED_FIXTURES,
    'input-required-result-basic-elicitation',
    'input-required-result-basic-sampling',
    'input-required-result-basic-list-roots',
    'input-required-result-request-state',
    'input-required-result-multiple-input-requests',
    'input-required-result-multi-round',
    'input-required-result-non-tool-request',
    'input-required-result-result-type',
    'input-required-result-tampered-state',
    'input-required-result-capability-check',
    // All but two of its checks pass: those call the tool `test_missing_capability`.
    'server-stateless',
    // They call `slow_compute` and its like; tasks.test.ts has the extension's own client instead.
    'tasks-lifecycle',
    'tasks-capability-negotiation',
    'tasks-wire-fields',
    'tasks-request-state-removal',
    'tasks-mrtr-input',
    'tasks-request-headers',
    'tasks-dispatch-and-envelope',
    'tasks-required-task-error',
    'tasks-mrtr-composition',
    // No tool of ours asks for arguments in headers.
    'http-custom-header-server-validation',
  ],
};

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

describe('conformance', () => {
  let bridge: RealBridge;
  let proxy: TokenProxy;
  let temp: TempDir;

  beforeAll(async () => {
    bridge = await startRealBridge();
    const endpoint = bridge.endpoints.folders[0];
    if (endpoint === undefined) throw new Error('there is no folder');
    proxy = await TokenProxy.start(endpoint);
    temp = await tempDir('conformance');
  });
  afterAll(async () => {
    await proxy.close();
    await bridge.close();
    await temp.dispose();
  });

  /** The checks of every scenario that a revision of the protocol requires. */
  async function run(revision: string): Promise<Map<string, readonly Check[]>> {
    const results = join(temp.path, revision);
    mkdirSync(results);
    const args = ['server', '--url', proxy.url, '--requirements', revision, '--output-dir', results];
    // Its exit status tells that some scenario failed; which one is looked at below.
    await new Promise<void>((resolve) => execFile(clientCommand('conformance'), args, () => resolve()));
    return new Map(
      readdirSync(results).map((directory) => [
        // `server-<scenario>-<time>`
        directory.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, ''),
        // The suite's own file.
        JSON.parse(readFileSync(join(results, directory, 'checks.json'), 'utf8')) as readonly Check[],
      ]),
    );
  }

  it.each(Object.keys(NOT_APPLICABLE))(
    'all that applies of %s holds',
    { timeout: 120_000 },
    async (revision) => {
      const scenarios = await run(revision);
      expect(scenarios.size).toBeGreaterThan(30);
      const failing = [...scenarios].filter(([, checks]) =>
        checks.some(({ status }) => status === 'FAILURE'),
      );
      expect(failing.map(([name]) => name).sort()).toEqual([...(NOT_APPLICABLE[revision] ?? [])].sort());
      const stateless = scenarios.get('server-stateless') ?? [];
      expect(stateless.filter(({ status }) => status === 'FAILURE').map(({ id }) => id)).toEqual(
        revision === '2026-07-28'
          ? ['sep-2575-server-rejects-undeclared-capability', 'sep-2575-missing-capability-http-400']
          : [],
      );
    },
  );
});
