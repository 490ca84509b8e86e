import type { CodexTrust } from '../../shared/codexTrust.ts';
import type { CodexClient } from './client.ts';
import type { ConfigReadResponse } from './generated/v2/ConfigReadResponse.ts';

/** @throws BridgeError `CODEX_REFUSED` (a config.toml that Codex can't read), `CODEX_TIMEOUT`, `CODEX_EXITED` */
export async function readTrust(client: CodexClient, folder: string): Promise<CodexTrust> {
  return trustIn(await client.readConfig(folder), folder);
}

/**
 * Has Codex write, or take away, that it trusts the folder. The rest of config.toml stays as it is, with its
 * comments.
 *
 * @throws as {@link readTrust}
 */
export async function writeTrust(client: CodexClient, folder: string, trusted: boolean): Promise<CodexTrust> {
  if (trusted) await client.writeTrust(folder, 'trusted');
  else {
    const more = Object.keys(entryOf(await client.readConfig(folder), folder)).some(
      (key) => key !== 'trust_level',
    );
    // The whole table where it says nothing else: an empty one would stay behind.
    await client.writeTrust(folder, more ? 'forget level' : 'forget');
  }
  return readTrust(client, folder);
}

function trustIn(answer: ConfigReadResponse, folder: string): CodexTrust {
  const level = entryOf(answer, folder)['trust_level'];
  const layers = (answer.layers ?? []).flatMap(({ name, disabledReason }) =>
    // Codex 0.169 leaves it out where there is none, in spite of its own type.
    name.type === 'project'
      ? [{ directory: name.dotCodexFolder, held: typeof disabledReason === 'string' }]
      : [],
  );
  return {
    level: level === 'trusted' || level === 'untrusted' ? level : 'undecided',
    inEffect: layers.filter(({ held }) => !held).map(({ directory }) => directory),
    held: layers.filter(({ held }) => held).map(({ directory }) => directory),
  };
}

/** What `[projects]` says of exactly this folder; empty where it says nothing. */
function entryOf({ config }: ConfigReadResponse, folder: string): Readonly<Record<string, unknown>> {
  const projects = config['projects'];
  return isRecord(projects) && Object.hasOwn(projects, folder) && isRecord(projects[folder])
    ? projects[folder]
    : {};
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
