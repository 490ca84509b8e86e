import type { Endpoints, FolderInfo } from '../../shared/faces.ts';
import type { HttpDoor } from './httpDoor.ts';
import type { Tokens } from './tokens.ts';

/** Where MCP clients connect, with the tokens. */
export function endpointsOf(http: HttpDoor, tokens: Tokens, folders: readonly FolderInfo[]): Endpoints {
  return {
    url: http.url,
    token: tokens.all,
    folders: folders.map((info) => ({
      ...info,
      url: http.folderUrl(info.key),
      token: tokens.folder(info.key),
    })),
  };
}
