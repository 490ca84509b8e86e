import { HttpDoor, type HttpDoorOptions } from '../../src/bridge/http/httpDoor.ts';
import { Tokens } from '../../src/bridge/http/tokens.ts';
import { McpDoor } from '../../src/bridge/mcp/mcpDoor.ts';
import type { Clock } from '../../src/bridge/ports.ts';
import { FakeBridge, FakeClock, FakeFolder, silentLogger } from './fakeBridge.ts';

export interface Doors {
  readonly bridge: FakeBridge;
  readonly home: FakeFolder;
  readonly other: FakeFolder;
  readonly tokens: Tokens;
  readonly http: HttpDoor;
  readonly mcp: McpDoor;
  readonly clock: FakeClock;
  close(): Promise<void>;
}

/** The real doors, HTTP and MCP, in front of a bridge in memory with one or two folders. */
export async function openDoors(
  options: { folders?: 1 | 2; http?: Partial<HttpDoorOptions>; clock?: Clock } = {},
): Promise<Doors> {
  const home = new FakeFolder('/tmp/home', 'home');
  const other = new FakeFolder('/tmp/other', 'other');
  const bridge = new FakeBridge(...(options.folders === 2 ? [home, other] : [home]));
  const tokens = new Tokens();
  const clock = new FakeClock();
  const mcp = new McpDoor({
    bridge,
    logger: silentLogger,
    clock: options.clock ?? clock,
    onClients: () => undefined,
  });
  const http = new HttpDoor({
    tokens,
    logger: silentLogger,
    hasFolder: (key) => bridge.list.some((folder) => folder.info.key === key),
    handle: (exchange) => mcp.handle(exchange),
    ...options.http,
  });
  await http.listen();
  return {
    bridge,
    home,
    other,
    tokens,
    http,
    mcp,
    clock,
    async close() {
      await mcp.dispose();
      await http.close();
    },
  };
}
