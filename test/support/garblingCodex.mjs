// A program to be run in Codex's place: the real app-server, and on the line between it and the bridge somebody who
// says nonsense in Codex's name when a prompt asks for it (`!garble KIND COUNT`).
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';

const NONSENSE = {
  text: ['thread main panicked at src/main.rs', '{"half":', '[1, 2]', 'null', '', '{"method":7,"params":[]}'],
  types: [
    '{"method":"item/agentMessage/delta","params":null}',
    '{"method":"turn/completed","params":{"threadId":7,"turn":"none"}}',
    '{"method":"item/started","params":{"threadId":"THREAD","turnId":"x","item":[]}}',
    '{"method":"thread/tokenUsage/updated","params":{"threadId":"THREAD","tokenUsage":"all"}}',
    '{"method":"never/heard/of","params":{"threadId":"THREAD"}}',
  ],
  ids: [
    '{"id":987654,"result":{}}',
    '{"id":"two","error":{"code":"x"}}',
    '{"id":987655,"method":"item/commandExecution/requestApproval","params":{"threadId":"nobody"}}',
    '{"id":987656,"method":"who/areYou","params":{}}',
  ],
  utf8: [
    Buffer.concat([
      Buffer.from('{"method":"never/heard/of","params":{"text":"'),
      Buffer.of(0xff, 0xfe),
      Buffer.from('"}}'),
    ]),
  ],
  huge: [Buffer.alloc(65 * 1024 * 1024, 'x')],
};

const [codex, ...args] = process.argv.slice(2);
const at = args.indexOf('--listen');
if (at < 0) {
  process.exit(spawnSync(codex, args, { stdio: 'inherit' }).status ?? 1);
}
const path = args[at + 1].replace('unix://', '');
const behind = `${path}r`;
const child = spawn(codex, args.with(at + 1, `unix://${behind}`), { stdio: 'inherit' });
child.on('exit', (code) => process.exit(code ?? 1));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));

const accepts = () =>
  new Promise((resolve) => {
    const socket = createConnection(behind, () => resolve(socket.destroy() !== undefined));
    socket.on('error', () => resolve(false));
  });
while (!(await accepts())) await delay(5);

const http = createServer();
new WebSocketServer({ server: http, perMessageDeflate: false }).on('connection', (bridge) => {
  const server = new WebSocket('ws://localhost/', {
    createConnection: () => createConnection(behind),
    perMessageDeflate: false,
  });
  const early = [];
  server.on('open', () => {
    for (const text of early.splice(0)) server.send(text);
  });
  bridge.on('message', (data) => {
    const text = String(data);
    if (server.readyState === WebSocket.OPEN) server.send(text);
    else early.push(text);
    const [, kind, count] = /"turn\/start".*!garble (\w+) (\d+)/.exec(text) ?? [];
    if (kind === undefined) return;
    const { threadId } = JSON.parse(text).params;
    for (let i = 0; i < Number(count); i++) {
      const one = NONSENSE[kind][i % NONSENSE[kind].length];
      bridge.send(typeof one === 'string' ? one.replace('THREAD', threadId) : one, { binary: false });
    }
  });
  server.on('message', (data) => bridge.send(String(data)));
  server.on('close', () => bridge.close());
  bridge.on('close', () => server.close());
  for (const line of [server, bridge]) line.on('error', () => line.terminate());
});
http.listen(path);
