import type { BridgeCounters, Latency } from './counters.ts';
import type { BridgeStatus, ClientInfo, FolderStatus } from './faces.ts';
import { english, type Translate } from './l10n.ts';

/**
 * What of this machine a running bridge offers to others, and how far: a sentence each, for the person. Tokens
 * are counted, never told.
 */
export function exposureLines(
  status: BridgeStatus,
  clients: readonly ClientInfo[],
  t: Translate = english,
): string[] {
  const [, host = status.url] = /^https?:\/\/([^/]+)/.exec(status.url) ?? [];
  const tokens = status.tokens ?? status.folders.length + 1;
  const pending = status.folders.reduce((sum, { waitingForApproval }) => sum + waitingForApproval, 0);
  return [
    t('Listens on {0}, for this machine only. Tokens that open it: {1}.', host, tokens),
    clients.length === 0
      ? t('No MCP client is connected.')
      : t('MCP clients: {0}.', clients.map((client) => clientText(client, status.folders, t)).join(', ')),
    t('Windows, CLI calls and stdio clients on its private socket: {0}.', status.faces),
    ...ceilingLines(status, t),
    ...status.folders.flatMap((folder) => [folderText(folder, t), ...trustLines(folder, t)]),
    t('Questions that wait for a person: {0}.', pending),
    ...logLines(status, t),
  ];
}

function clientText(client: ClientInfo, folders: readonly FolderStatus[], t: Translate): string {
  const name = client.version === undefined ? client.name : `${client.name} ${client.version}`;
  const folder = folders.find(({ key }) => key === client.folder);
  return client.folder === null
    ? t('{0} (all folders)', name)
    : t('{0} (the folder {1})', name, folder?.name ?? client.folder);
}

function ceilingLines({ ceiling }: BridgeStatus, t: Translate): string[] {
  const { sandbox, approvalPolicy, network, writableRoots = [] } = ceiling;
  return [
    t('Callers may have at most: sandbox {0}, approvals {1}.', sandbox, approvalPolicy),
    network
      ? t('Commands in the sandbox may use the network.')
      : t('Commands in the sandbox have no network.'),
    ...(writableRoots.length === 0
      ? []
      : [t('Also writable beside the folder: {0}.', writableRoots.join(', '))]),
  ];
}

function folderText({ path, codex, running, queued }: FolderStatus, t: Translate): string {
  const version = codex.version ?? codex.state;
  return t('Folder {0}: Codex {1}, {2} running, {3} queued.', path, version, running, queued);
}

/** Whether what a repository's own `.codex` configures runs here. */
function trustLines({ path, codexTrust }: FolderStatus, t: Translate): string[] {
  if (codexTrust === undefined) return [];
  const { level, inEffect, held } = codexTrust;
  if (inEffect.length > 0) return [t('Codex runs what these configure: {0}.', inEffect.join(', '))];
  if (level === 'trusted') return [t('Codex trusts {0}.', path)];
  return held.length === 0
    ? [t('Codex does not trust {0}.', path)]
    : [t('Codex does not trust {0}, and runs nothing that these configure: {1}.', path, held.join(', '))];
}

function logLines({ log }: BridgeStatus, t: Translate): string[] {
  if (log === undefined) return [];
  return [
    log.file === undefined
      ? t('Its log is its standard error, level {0}.', log.level)
      : t('Its log is {0}, level {1}.', log.file, log.level),
  ];
}

/** What a bridge has counted since it started, a sentence each. */
export function counterLines(counters: BridgeCounters, t: Translate = english): string[] {
  const { turns, latencies, traffic, memory, eventLoop } = counters;
  const { queueWait, firstText, turn, toolCall, httpRequest } = latencies;
  const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  const times = ({ p50, p95, p99 }: Latency) => `${p50} / ${p95} / ${p99} ms`;
  return [
    t(
      'Turns: {0} completed, {1} failed, {2} cancelled, {3} interrupted.',
      turns.completed,
      turns.failed,
      turns.cancelled,
      turns.interrupted,
    ),
    t('How long half, 95 % and 99 % took at most:'),
    `  ${t('in the queue: {0}', times(queueWait))}`,
    `  ${t('to the first text: {0}', times(firstText))}`,
    `  ${t('a turn: {0}', times(turn))}`,
    `  ${t('a call of a tool: {0}', times(toolCall))}`,
    `  ${t('an HTTP request: {0}', times(httpRequest))}`,
    t(
      'HTTP: {0} MB in, {1} MB out. Private socket: {2} MB in, {3} MB out.',
      megabytes(traffic.http.in),
      megabytes(traffic.http.out),
      megabytes(traffic.faces.in),
      megabytes(traffic.faces.out),
    ),
    t(
      'Progress messages left out: {0}. Faces dropped because they did not read: {1}.',
      counters.progressDropped,
      counters.facesDropped,
    ),
    t('Memory: {0} MB. Event loop late by up to {1} ms.', megabytes(memory.rss), eventLoop.max),
  ];
}
