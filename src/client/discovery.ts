import { join } from 'node:path';
import * as z from 'zod/mini';
import { readOwnFile } from './ownFiles.ts';

/** It has a few hundred. */
const MAX_BYTES = 64 * 1024;

/** The discovery file that the bridge writes (0600) when it is ready. */
const discoverySchema = z.object({
  contract: z.int(),
  version: z.string(),
  pid: z.int(),
  instance: z.string(),
  /** The private socket for faces. */
  socket: z.string(),
  /** With it the bridge proves itself. */
  key: z.string(),
  /** The MCP endpoint for all folders, with its token. */
  url: z.string(),
  token: z.string(),
  /** Folder that it runs from; absent with bridges that did not tell. */
  runtime: z.exactOptional(z.string()),
});

export type Discovery = z.infer<typeof discoverySchema>;

export function discoveryFile(home: string): string {
  return join(home, 'bridge.json');
}

/**
 * Reads the discovery file. Undefined when there is none, or when it is not what our bridge writes: broken,
 * a link, or another user's, or where others may write. A stale one is found out by connecting.
 */
export async function readDiscovery(home: string): Promise<Discovery | undefined> {
  try {
    const text = await readOwnFile(discoveryFile(home), MAX_BYTES);
    const parsed = discoverySchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Not there or not readable: the same as no bridge, and starting one tells what is wrong.
    return undefined;
  }
}
