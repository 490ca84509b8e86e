import type { ChangesRequests } from '../../shared/changes.ts';
import type { FaceContract } from '../../shared/faces.ts';
import type { Handlers } from '../../shared/rpc.ts';
import type { ChangesDoor } from '../changes/changesDoor.ts';

/** Answers a face's requests about changes. `greeted` throws before the face has said hello. */
export function changesHandlers(
  door: ChangesDoor,
  greeted: () => void,
): Pick<Handlers<FaceContract>, keyof ChangesRequests> {
  const changes = (session: string, turn: string) => {
    greeted();
    return door.changesOf(session, turn);
  };
  return {
    'changes.list': ({ session, turn }) => changes(session, turn).list(turn),
    'changes.read': ({ session, turn, path }) => changes(session, turn).read(turn, path),
    'changes.revert': ({ session, turn, path, hunk }) => changes(session, turn).revert(turn, path, hunk),
    'changes.keep': ({ session, turn, path, hunk, kept }) => {
      changes(session, turn).keep(turn, kept, path, hunk);
      return null;
    },
  };
}
