import * as z from 'zod/mini';

/**
 * MCP over the private socket: a face that relays an MCP client opens a channel, and from then on JSON-RPC
 * messages of MCP travel both ways as they are. The server, with its tools, is in the bridge.
 */

/** One JSON-RPC message of MCP, in bytes of UTF-8: the largest prompt with attachments, with room to spare. */
export const MAX_MCP_MESSAGE_BYTES = 32 * 1024 * 1024;

/** A JSON-RPC message of MCP (specification, "Base protocol"). */
export type McpMessage = Readonly<Record<string, unknown>>;

const id = z.string().check(z.minLength(1), z.maxLength(128));
const path = z.string().check(z.minLength(1), z.maxLength(4096));

/** Parameters of the channel's requests; a part of the face contract. */
export const mcpParams = {
  /**
   * Opens a channel. It serves one folder: `folder`, which becomes known by that, else the deepest known one
   * that contains `cwd`. `instance` names the client's connection and stays when the channel is opened anew.
   */
  'mcp.open': z.object({
    instance: id,
    cwd: z.exactOptional(path),
    folder: z.exactOptional(path),
  }),
  /**
   * A message of the client's. `key` names its request and stays when it is sent `again`, to this or another
   * bridge, because the connection was lost before its answer came.
   */
  'mcp.send': z.object({
    channel: id,
    message: z.record(z.string(), z.unknown()),
    key: z.exactOptional(id),
    again: z.exactOptional(z.boolean()),
  }),
  'mcp.close': z.object({ channel: id }),
};

export type McpRequests = {
  'mcp.open': {
    params: z.infer<(typeof mcpParams)['mcp.open']>;
    result: {
      channel: string;
      /** Changes when the listed tools do: a client that has the list of another bridge is told then. */
      tools: string;
      /** Real path of the folder that it serves; absent where none contains the working directory. */
      folder?: string;
    };
  };
  'mcp.send': { params: z.infer<(typeof mcpParams)['mcp.send']>; result: null };
  'mcp.close': { params: z.infer<(typeof mcpParams)['mcp.close']>; result: null };
};

export type McpEvents = {
  'mcp.message': { channel: string; message: McpMessage };
  /** A folder that contains the working directory has become known, and the channel serves it from now on. */
  'mcp.folder': { channel: string; folder: string };
};
