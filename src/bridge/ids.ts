import { createHash, randomBytes } from 'node:crypto';
import { TOKEN_PREFIX } from '../shared/redact.ts';
import type { FolderKey, SessionId, TurnId } from '../shared/session.ts';

/** 80 random bits in Crockford-like base 32: short enough to be copied by people and models. */
function random(): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  let text = '';
  for (const byte of randomBytes(16)) text += alphabet[byte & 31];
  return text;
}

export function newSessionId(): SessionId {
  return `s_${random()}`;
}

export function newTurnId(): TurnId {
  return `t_${random()}`;
}

/** 256 random bits for bearer tokens, URL-safe, with a beginning that tells what they are. */
export function newToken(): string {
  return `${TOKEN_PREFIX}${randomBytes(32).toString('base64url')}`;
}

/** The key of a folder: a hash of its real path, so that it names the same folder in every process. */
export function folderKey(realPath: string): FolderKey {
  return createHash('sha256').update(realPath).digest('hex').slice(0, 16);
}
