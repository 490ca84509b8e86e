// Run as a process of its own by appServer.test.ts: starts one app-server as a bridge does, prints
// {"codex","guard","mark","socket"} as one line, and waits to be killed.
import { systemClock } from '../../src/bridge/clock.ts';
import { AppServer } from '../../src/bridge/codex/appServer.ts';
import { GuardClient } from '../../src/bridge/codex/guardClient.ts';
import { MemoryLogger } from './appServers.ts';
import { codexBinary } from './codexHome.ts';

const [cwd = '', runDir = '', mark = ''] = process.argv.slice(2);
const logger = new MemoryLogger();
const guard = new GuardClient({ logger });
const server = await AppServer.start({
  codex: codexBinary(),
  cwd,
  runDir,
  transport: 'unix',
  mark,
  env: process.env,
  clock: systemClock,
  logger,
  guard,
});
const socket = server.remote?.url.replace('unix://', '');
console.log(JSON.stringify({ codex: server.pid, guard: guard.pid, mark: server.mark, socket }));
process.stdin.resume(); // stays until it is killed
