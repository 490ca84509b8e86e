// Writes more lines to its stderr than the log may have: the child of logFile.test.ts.
import { boundedLog } from '../../src/bridge/logFile.ts';

const write = boundedLog(process.argv[2] ?? '', 10_000);
for (let i = 0; i < 1_000; i++) write(`line ${i} ${'.'.repeat(40)}`);
process.stderr.write('last words\n');
