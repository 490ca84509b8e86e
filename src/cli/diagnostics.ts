import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { arch, homedir, hostname, release, totalmem, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Check, storedSettings } from '../bridge/main.ts';
import { secretsOf } from '../shared/redact.ts';
import { type Names, scrub } from '../shared/scrub.ts';
import type { reportOf } from './running.ts';

/** So many of the log's last lines are in it, read from so many of its last bytes. */
const LOG_LINES = 100;
const LOG_BYTES = 128 * 1024;
/** A text in a log line that may stand in a report, characters: an id, a word, a path. */
const MAX_FIELD = 200;

export interface DoctorReport {
  readonly ok: boolean;
  readonly version: string;
  readonly checks: readonly Check[];
  readonly bridge: ReturnType<typeof reportOf> | { readonly error: string } | null;
}

/**
 * A report for who is to help: versions, checks, settings, what the bridge has counted, the end of its log.
 * Secrets, and what tells who or where somebody is, are taken out; prompts and answers never were in it.
 */
export async function diagnosticsOf(home: string, report: DoctorReport): Promise<string> {
  const settings = storedSettings(home);
  const { checks, bridge } = report;
  const text = [
    '# Codex Bridge diagnostics',
    '',
    `- codex-bridge ${report.version}, Node ${process.versions.node}`,
    `- ${process.platform} ${release()} ${arch()}, ${Math.round(totalmem() / 2 ** 30)} GB`,
    '',
    '## Checks',
    '',
    ...checks.map(
      ({ name, ok, detail, fix }) =>
        `- ${ok ? 'ok' : 'FAILED'} ${name}: ${detail}${fix === undefined ? '' : ` (${fix})`}`,
    ),
    '',
    ...section('Bridge', bridge === null ? 'none runs' : withoutNames(bridge)),
    ...section('Settings', settings ?? 'could not be read'),
    `## Log, last ${LOG_LINES} lines`,
    '',
    '```',
    ...lastLines(join(home, 'logs', 'bridge.log')),
    '```',
    '',
  ].join('\n');
  const folders = bridge !== null && 'folders' in bridge ? bridge.folders : [];
  const names: Names = { home: homedir(), state: home, user: userInfo().username, host: hostname(), folders };
  return scrub(text, names, secretsOf(process.env));
}

/** Folders are known by their keys: a name of a project tells something, too. */
function withoutNames(bridge: NonNullable<DoctorReport['bridge']>): unknown {
  if (!('folders' in bridge)) return bridge;
  const folders = bridge.folders.map(({ name: _name, path: _path, codexTrust, ...rest }) => ({
    ...rest,
    // Of the directories only how many: they may lie above the folder.
    ...(codexTrust === undefined
      ? {}
      : { codexTrust: [codexTrust.level, codexTrust.inEffect.length, codexTrust.held.length] }),
  }));
  return { ...bridge, folders };
}

function section(title: string, value: unknown): string[] {
  return [`## ${title}`, '', '```json', JSON.stringify(value, undefined, 2), '```', ''];
}

function lastLines(file: string): string[] {
  const lines = tail(file)
    .split('\n')
    .filter((line) => line !== '');
  return lines.slice(-LOG_LINES).flatMap((line) => logLine(line) ?? []);
}

/** The end of a file, '' where there is none. */
function tail(file: string): string {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    // A bridge that has never run, or one in a terminal, whose log is there.
    return '';
  }
  try {
    const { size } = fstatSync(fd);
    const from = Math.max(0, size - LOG_BYTES);
    const bytes = Buffer.alloc(size - from);
    const read = readSync(fd, bytes, 0, bytes.length, from);
    return bytes.toString('utf8', 0, read);
  } finally {
    closeSync(fd);
  }
}

/**
 * One line of the log without what people or Codex wrote: an error's message may quote either, so of an error
 * only its code stays, and of texts only single words. What is no line of ours is left out.
 */
export function logLine(line: string): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { time, level, message, ...fields } = parsed as Record<string, unknown>; // its fields are looked at below
  if (typeof message !== 'string') return undefined;
  const kept = Object.entries(fields).flatMap(([name, value]) => {
    const short = shortOf(value);
    return short === undefined ? [] : [`${name}=${short}`];
  });
  return [time, level, message, ...kept].join(' ');
}

function shortOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') {
    const [code] = /^E[A-Z]{3,}\b/.exec(value) ?? [];
    return /^\S+$/.test(value) && value.length <= MAX_FIELD ? value : code;
  }
  if (typeof value === 'object' && value !== null && 'code' in value) return shortOf(value.code);
  return undefined;
}
