import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { markedProcesses } from '../../src/bridge/codex/processes.ts';
import type { Session } from '../../src/bridge/sessions/session.ts';
import type { BridgeConnection } from '../../src/client/connect.ts';
import type { TurnSnapshot } from '../../src/shared/session.ts';
import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { type RealBridge, startRealBridge } from '../support/realBridge.ts';
import { command, text } from '../support/scriptedModel.ts';
import { connectWindow, TerminalViewer } from '../support/terminalViewer.ts';

const source = { kind: 'mcp', name: 'test' } as const;
const SECRETS = { NPM_TOKEN: 'no', GITHUB_TOKEN: 'no', AWS_SECRET_ACCESS_KEY: 'no', PROVIDER_KEY: 'k' };
const SETTINGS = { ...DEFAULT_SETTINGS, codex: { environment: ['ACME_*'] } };

describe('the environment of Codex', () => {
  let bridge: RealBridge;
  let window: BridgeConnection;
  let session: Session;

  beforeAll(async () => {
    bridge = await startRealBridge({
      settings: SETTINGS,
      codexEnv: { ...SECRETS, ACME_REGION: 'here', JAVA_HOME: '/java' },
    });
    // Answers what the TUI would ask at its first start.
    const config = join(bridge.codexHome, 'config.toml');
    appendFileSync(config, '\n[notice.model_migrations]\n"gpt-5.5" = "gpt-6-sol"\n');
    window = await connectWindow(bridge.stateDir);
    session = bridge.folder(0).createSession({});
  });
  afterAll(async () => {
    window.dispose();
    await bridge.close();
  });

  const say = async (prompt: string): Promise<TurnSnapshot> => {
    const { turn } = await session.prompt({ prompt, source });
    return session.ended(turn);
  };

  it('A18: its commands, its terminal and itself have what is usual and what is named, and no secret', async () => {
    bridge.model.script(({ outputs }) => (outputs.length === 0 ? [command('env')] : [text('done')]));
    const { items } = await say('what is in the environment?');
    const ran = items.find((item) => item.type === 'command');
    const output = ran?.type === 'command' ? ran.output : '';
    expect(output).toMatch(/^ACME_REGION=here$/m);
    expect(output).toMatch(/^JAVA_HOME=\/java$/m);
    for (const name of Object.keys(SECRETS)) expect(output).not.toContain(`${name}=`);

    const viewer = await TerminalViewer.open(window.rpc, session.id, { cols: 80, rows: 24, name: 'v' });
    await viewer.shows('OpenAI Codex');
    // Nobody else runs on a mark with this folder's key: the app-server and the TUI.
    const key = bridge.folder(0).info.key;
    const processes = await markedProcesses((mark) => mark.includes(`:${key}:`));
    expect(processes.length).toBeGreaterThanOrEqual(2);
    for (const { pid } of processes) {
      const names = readFileSync(`/proc/${pid}/environ`, 'utf8')
        .split('\0')
        .map((line) => line.split('=', 1)[0] ?? '');
      expect(names).toContain('ACME_REGION');
      expect(names.filter((name) => name in SECRETS)).toEqual([]);
    }
    viewer.dispose();
  });

  it('has the key of a model provider once it is named, and the error before says how', async () => {
    const config = join(bridge.codexHome, 'config.toml');
    writeFileSync(
      config,
      readFileSync(config, 'utf8').replace('base_url', 'env_key = "PROVIDER_KEY"\nbase_url'),
    );
    bridge.model.script(() => [text('with a key')]);
    await bridge.folder(0).restart();
    const refused = await say('without');
    expect(refused.status).toBe('failed');
    expect(refused.error?.message).toMatch(
      /Missing environment variable: `PROVIDER_KEY`.*"codexBridge\.codex\.environment".*serve --codex-env PROVIDER_KEY/,
    );
    const settings = { ...SETTINGS, codex: { environment: ['PROVIDER_KEY'] } };
    await window.rpc.request('settings.set', { settings });
    await bridge.folder(0).restart();
    expect((await say('with')).status).toBe('completed');
  });
});
