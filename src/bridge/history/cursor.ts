import * as z from 'zod/mini';
import { BridgeError } from '../../shared/errors.ts';
import type { SessionId } from '../../shared/session.ts';

/** The place of the last session of a page in the order of lists. */
export interface ListPosition {
  readonly updatedAt: number;
  readonly id: SessionId;
}

const position = z.tuple([z.number(), z.string().check(z.minLength(1), z.maxLength(200))]);

/** An opaque cursor: a page goes on after this session, also when sessions came or went in between. */
export function encodeCursor({ updatedAt, id }: ListPosition): string {
  return Buffer.from(JSON.stringify([updatedAt, id])).toString('base64url');
}

/** @throws BridgeError `CURSOR_INVALID` */
export function decodeCursor(cursor: string): ListPosition {
  try {
    const [updatedAt, id] = z.parse(position, JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return { updatedAt, id };
  } catch (error) {
    throw new BridgeError(
      'CURSOR_INVALID',
      'This cursor is none that a list gave. Start the list again without a cursor.',
      { cause: error },
    );
  }
}
