import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import * as z from 'zod/mini';
import { BridgeError } from '../../shared/errors.ts';
import type { SessionId } from '../../shared/session.ts';

/** The place of the last session of a page in the order of lists. */
export interface ListPosition {
  readonly updatedAt: number;
  readonly id: SessionId;
}

/** Of this process: a cursor is for the next page, not for tomorrow. */
const KEY = randomBytes(32);

const position = z.tuple([z.number(), z.string().check(z.minLength(1), z.maxLength(200))]);

/**
 * An opaque cursor: a page goes on after this session, also when sessions came or went in between. It is good
 * for the list that gave it (`about` names that) and for nothing else.
 */
export function encodeCursor({ updatedAt, id }: ListPosition, about: string): string {
  const place = Buffer.from(JSON.stringify([updatedAt, id])).toString('base64url');
  return `${place}.${seal(place, about)}`;
}

/** @throws BridgeError `CURSOR_INVALID` */
export function decodeCursor(cursor: string, about: string): ListPosition {
  try {
    const [place = ''] = cursor.split('.', 1);
    const wanted = Buffer.from(`${place}.${seal(place, about)}`);
    const whole = Buffer.from(cursor);
    if (whole.length !== wanted.length || !timingSafeEqual(whole, wanted)) throw new Error('wrong seal');
    const [updatedAt, id] = z.parse(position, JSON.parse(Buffer.from(place, 'base64url').toString('utf8')));
    return { updatedAt, id };
  } catch (error) {
    throw new BridgeError(
      'CURSOR_INVALID',
      'This cursor is none that this list gave since the bridge started. Start the list again without a cursor.',
      { cause: error },
    );
  }
}

function seal(place: string, about: string): string {
  return createHmac('sha256', KEY)
    .update(JSON.stringify([place, about]))
    .digest('base64url')
    .slice(0, 22);
}
