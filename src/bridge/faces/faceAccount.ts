import type { FaceContract } from '../../shared/faces.ts';
import type { LoginRequests } from '../../shared/login.ts';
import type { Handlers } from '../../shared/rpc.ts';
import type { AccountDoor } from '../folders/folderAccount.ts';

/** Answers a face's requests about the login of Codex. `greeted` throws before the face has said hello. */
export function accountHandlers(
  door: AccountDoor,
  greeted: () => void,
): Pick<Handlers<FaceContract>, keyof LoginRequests> {
  const account = (folder: string) => {
    greeted();
    return door.accountOf(folder);
  };
  return {
    'account.read': ({ folder }) => account(folder).read(),
    'login.start': async ({ folder, method }) => ({ login: (await account(folder).login(method)) ?? null }),
    'login.cancel': async ({ folder }) => {
      await account(folder).cancelLogin();
      return null;
    },
    logout: async ({ folder }) => {
      await account(folder).logout();
      return null;
    },
  };
}
