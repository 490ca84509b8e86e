import type { Disposable } from '../../shared/disposables.ts';
import { BridgeError } from '../../shared/errors.ts';
import type { FaceContract } from '../../shared/faces.ts';
import { type McpEvents, type McpRequests, messageEvent } from '../../shared/mcpChannel.ts';
import type { Handlers, Params, Result } from '../../shared/rpc.ts';
import type { AttachDoor, AttachedChannel } from '../mcp/attached.ts';

/** Channels of one face; `attach` needs one. */
const MAX_CHANNELS = 16;

interface Emit {
  message(event: McpEvents['mcp.message']): void;
  folder(event: McpEvents['mcp.folder']): void;
  /** True while the face reads slower than we write. */
  congested(): boolean;
}

/** The MCP clients that one face relays. When the face goes they go, and what they have running stays. */
export class FaceMcp implements Disposable {
  readonly #door: AttachDoor;
  readonly #emit: Emit;
  readonly #channels = new Map<string, AttachedChannel>();
  #opened = 0;
  #disposed = false;

  constructor(door: AttachDoor, emit: Emit) {
    this.#door = door;
    this.#emit = emit;
  }

  /** `greeted` throws before the face has said hello. */
  handlers(greeted: () => void): Pick<Handlers<FaceContract>, keyof McpRequests> {
    return {
      'mcp.open': (params) => {
        greeted();
        return this.#open(params);
      },
      'mcp.send': ({ channel: name, message, key, again }) => {
        const channel = this.#channels.get(name);
        if (channel === undefined) {
          throw new BridgeError(
            'CONNECTION_CLOSED',
            `There is no channel "${name}". Open it with "mcp.open".`,
          );
        }
        channel.receive(message, {
          ...(key === undefined ? {} : { key }),
          ...(again === undefined ? {} : { again }),
        });
        return null;
      },
      'mcp.close': ({ channel }) => {
        this.#channels.get(channel)?.dispose();
        this.#channels.delete(channel);
        return null;
      },
    };
  }

  /** The face reads again. */
  drained(): void {
    for (const channel of this.#channels.values()) channel.drained();
  }

  dispose(): void {
    this.#disposed = true;
    for (const channel of this.#channels.values()) channel.dispose();
    this.#channels.clear();
  }

  async #open(request: Params<FaceContract, 'mcp.open'>): Promise<Result<FaceContract, 'mcp.open'>> {
    if (this.#channels.size >= MAX_CHANNELS) {
      throw new BridgeError(
        'INVALID_INPUT',
        `A face may have ${MAX_CHANNELS} MCP channels. Close one first.`,
      );
    }
    this.#opened++;
    const channel = `m${this.#opened}`;
    const opened = await this.#door.attach(request, {
      send: (message) => this.#emit.message(messageEvent(channel, message)),
      congested: () => this.#emit.congested(),
      folderFound: (folder) => this.#emit.folder({ channel, folder }),
    });
    if (this.#disposed) opened.dispose();
    else this.#channels.set(channel, opened);
    const { tools, folder } = opened;
    return { channel, tools, ...(folder === undefined ? {} : { folder }) };
  }
}
