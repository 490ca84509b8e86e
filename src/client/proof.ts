import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { BridgeError } from '../shared/errors.ts';
import { type FaceContract, PROOF_PURPOSE } from '../shared/faces.ts';
import type { RpcClient } from '../shared/rpc.ts';

/**
 * Whether whoever listens is the bridge that wrote the discovery file: it answers a number that was never asked
 * before with the key that only that file has. Nothing else is said to it until then.
 *
 * @throws BridgeError `CONNECTION_CLOSED`
 */
export async function provesItself(rpc: RpcClient<FaceContract>, key: string): Promise<boolean> {
  const nonce = randomBytes(32).toString('base64url');
  try {
    const { proof } = await rpc.request('prove', { nonce });
    const expected = createHmac('sha256', key)
      .update(PROOF_PURPOSE + nonce)
      .digest();
    const given = Buffer.from(String(proof), 'base64url');
    return given.length === expected.length && timingSafeEqual(given, expected);
  } catch (error) {
    if (error instanceof BridgeError && error.code === 'CONNECTION_CLOSED') throw error;
    // It refused, or its answer has no such form.
    return false;
  }
}
