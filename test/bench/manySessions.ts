import { DEFAULT_SETTINGS } from '../../src/shared/settings.ts';
import { type Bench, structured } from './bench.ts';
import type { Figure } from './figure.ts';
import { canMeasureProcesses, cpuTime, descendants, peakMemory } from './processes.ts';

const SESSIONS = 100;
/** About a second of streaming for each. */
const PROMPT = '!slow 50 one two three four five six seven eight nine ten';

/** A hundred sessions of one folder, a turn in each, all at once. */
export async function manySessions(bench: Bench): Promise<Figure[]> {
  const serving = await bench.serve({
    ...DEFAULT_SETTINGS,
    limits: { ...DEFAULT_SETTINGS.limits, runningTurns: SESSIONS, loadedSessions: SESSIONS },
  });
  const client = await serving.client();
  const before = canMeasureProcesses ? cpuTime(serving.pid) : 0;
  const begin = performance.now();
  const turns = await Promise.all(
    Array.from({ length: SESSIONS }, () => client.callTool({ name: 'ask', arguments: { prompt: PROMPT } })),
  );
  const took = performance.now() - begin;
  const completed = turns.map(structured).filter((turn) => turn.status === 'completed').length;
  const group = `${SESSIONS} sessions, ${SESSIONS} turns at once`;
  const figures: Figure[] = [
    { group, name: 'completed', value: completed, unit: 'turns', least: SESSIONS },
    { group, name: 'all of them', value: took, unit: 'ms' },
  ];
  if (!canMeasureProcesses) return figures;
  const ours = cpuTime(serving.pid) - before;
  const codex = descendants(serving.pid).reduce((sum, pid) => sum + cpuTime(pid), 0);
  return [
    ...figures,
    {
      group,
      name: 'memory of the bridge',
      value: peakMemory(serving.pid),
      unit: 'MB',
      most: 150,
      note: 'resident, at its peak',
    },
    {
      group,
      name: "the bridge's share of the processor time",
      value: (100 * ours) / (ours + codex),
      unit: '%',
      most: 20,
      note: `${ours} ms of ours, ${codex} ms of Codex's`,
    },
  ];
}
