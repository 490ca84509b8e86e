import * as z from 'zod/mini';
import { BridgeError } from '../../shared/errors.ts';
import {
  type FolderKey,
  hasEnded,
  type Item,
  type SessionSnapshot,
  type TurnId,
  type TurnSnapshot,
} from '../../shared/session.ts';
import { visibleLine } from '../../shared/visible.ts';
import { newSessionId, newTurnId } from '../ids.ts';
import { exportSchema } from './exchangeSchema.ts';

export const EXPORT_FORMAT = 'codex-bridge-session';
export const EXPORT_VERSION = 1;
/** Length of an import in UTF-16 units: what a face can send in one message. */
export const MAX_IMPORT_LENGTH = 64 * 1024 * 1024;

/** The session, complete, as JSON that {@link parseExport} reads. */
export function writeExport(session: SessionSnapshot): string {
  return `${JSON.stringify({ format: EXPORT_FORMAT, version: EXPORT_VERSION, session }, undefined, 2)}\n`;
}

/** @throws BridgeError `IMPORT_INVALID` with the reason */
export function parseExport(data: string): SessionSnapshot {
  if (data.length > MAX_IMPORT_LENGTH) {
    throw invalid(`it is larger than ${MAX_IMPORT_LENGTH / 1024 / 1024} MB`);
  }
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch (error) {
    throw invalid('it is no JSON', error);
  }
  const envelope = z.safeParse(
    z.object({ format: z.literal(EXPORT_FORMAT), version: z.int().check(z.gte(1)) }),
    value,
  );
  if (!envelope.success) throw invalid(`it is no "${EXPORT_FORMAT}" file`, envelope.error);
  if (envelope.data.version > EXPORT_VERSION) {
    throw invalid(
      `its version ${envelope.data.version} is newer than this Codex Bridge knows; update Codex Bridge`,
    );
  }
  const result = z.safeParse(exportSchema, value);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw invalid(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not as expected'}`, result.error);
  }
  return result.data.session;
}

function invalid(reason: string, cause?: unknown): BridgeError {
  return new BridgeError(
    'IMPORT_INVALID',
    `This can't be imported: ${reason}. Use a file that "Export Session as JSON" made.`,
    { cause },
  );
}

/**
 * The session as one of this folder's. Ids are new. Thread, Codex's turns and the session that it was forked
 * from stay behind: they belong to the session that was exported. So do sandbox and approval policy: rights
 * are given by the person, never by a file.
 */
export function adopt(session: SessionSnapshot, folder: FolderKey, now: number): SessionSnapshot {
  const { thread: _thread, forkedFrom: _forkedFrom, ...rest } = session;
  const { sandbox: _sandbox, approvalPolicy: _approvalPolicy, ...settings } = session.settings;
  return {
    ...rest,
    title: visibleLine(session.title),
    id: newSessionId(),
    folder,
    settings,
    turns: session.turns.map((turn) => adoptTurn(turn, newTurnId(), now)),
    approvals: [],
    seq: 0,
  };
}

function adoptTurn(turn: TurnSnapshot, id: TurnId, now: number): TurnSnapshot {
  const { codexTurn: _codexTurn, ...rest } = turn;
  if (hasEnded(turn.status)) return { ...rest, id };
  const items = turn.items.map(
    (item): Item => (item.status === 'running' ? { ...item, status: 'failed', endedAt: now } : item),
  );
  return { ...rest, id, status: 'interrupted', endedAt: now, items };
}
