import type { CodexTrustRequests } from '../../shared/codexTrust.ts';
import type { FaceContract } from '../../shared/faces.ts';
import type { Handlers } from '../../shared/rpc.ts';
import type { TrustDoor } from '../folders/folderTrust.ts';

/** Answers a face's requests about Codex's trust in a folder. `greeted` throws before the face has said hello. */
export function trustHandlers(
  door: TrustDoor,
  greeted: () => void,
): Pick<Handlers<FaceContract>, keyof CodexTrustRequests> {
  const trust = (folder: string) => {
    greeted();
    return door.trustOf(folder);
  };
  return {
    'trust.read': ({ folder }) => trust(folder).read(),
    'trust.set': async ({ folder, trusted }) => ({ trust: await trust(folder).set(trusted) }),
  };
}
