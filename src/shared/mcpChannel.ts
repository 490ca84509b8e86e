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
  /** {@link messageEvent} makes it: what reads it without parsing it relies on the order of its fields. */
  'mcp.message': { channel: string; answers?: string | number; message: McpMessage };
  /** A folder that contains the working directory has become known, and the channel serves it from now on. */
  'mcp.folder': { channel: string; folder: string };
};

/** The event that carries a message; a result says outside what it answers, unless it tells of an error. */
export function messageEvent(channel: string, message: McpMessage): McpEvents['mcp.message'] {
  const { id, result } = message;
  const answers = isSuccess(result) && (typeof id === 'string' || typeof id === 'number');
  return { channel, ...(answers ? { answers: id } : {}), message };
}

/** So many bytes of a frame are looked at for what it answers. */
const HEAD_BYTES = 160;
const HEAD = /^\{"event":"mcp\.message","data":\{"channel":"\w+","answers":(\d+|"[\w-]*"),"message":(?=\{)/;
const CLOSING = 0x7d;
const NEWLINE = 0x0a;

/** A frame of the private socket with a result that was not read. */
export interface ResultFrame {
  /** Of the request that it answers. */
  readonly id: string | number;
  /** The message as a line of its own, in the frame's memory: the frame can't be parsed any more. */
  line(): Uint8Array;
}

/**
 * The result in a frame that {@link messageEvent} went into, without reading it: parsing an answer and writing
 * the same again is a quarter of what a call costs a relay. Undefined for every other frame, which is parsed as
 * ever.
 *
 * @param frame of a bridge that has proved itself
 * @param decode the stream's own: see `TakeLine`
 */
export function resultIn(frame: Uint8Array, decode: (bytes: Uint8Array) => string): ResultFrame | undefined {
  const head = HEAD.exec(decode(frame.subarray(0, HEAD_BYTES)));
  const end = frame.length - 2;
  if (head === null || frame[end] !== CLOSING || frame[end + 1] !== CLOSING) return undefined;
  // The pattern takes numbers and strings alone.
  const id = JSON.parse(head[1] ?? '') as string | number;
  const start = head[0].length;
  return {
    id,
    line() {
      // Of the two braces that close the frame the first becomes the end of the line.
      frame[end] = NEWLINE;
      return frame.subarray(start, end + 1);
    },
  };
}

function isSuccess(result: unknown): boolean {
  return typeof result === 'object' && result !== null && !('isError' in result && result.isError === true);
}
