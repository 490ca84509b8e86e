/**
 * A process that acknowledges prompts as the bridge does, for history-faults.test.ts: it writes one, then says
 * so on its output, until it is killed. Arguments: the file, and the number that it starts with.
 */
import { writeSync } from 'node:fs';
import { openHistory } from '../../src/bridge/history/history.ts';
import { FOLDER, Live, newSession, queuedTurn, recordingLogger } from './history-support.ts';

const [file = '', start = '0'] = process.argv.slice(2);
const store = openHistory(file, FOLDER, { logger: recordingLogger(), clock: { now: () => 1 } });
const stored = store.read('s_1');
const live = new Live(stored ?? newSession('s_1'));
if (stored === undefined) store.createSession(live.snapshot);
for (let i = Number(start); ; i++) {
  live.append(store, { type: 'turn.queued', turn: queuedTurn(`t_${i}`, `prompt ${i}`) });
  writeSync(1, `${i}\n`);
}
