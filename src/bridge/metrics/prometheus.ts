import type { Latency } from '../../shared/counters.ts';
import type { BridgeStatus } from '../../shared/faces.ts';

/** Of the text format, as its specification names it. */
export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** `queueWait` → `codex_bridge_queue_wait_seconds`. */
const LATENCY_HELP = {
  queueWait: ['queue_wait', 'From a prompt to the start of its turn.'],
  firstText: ['first_text', 'From the start of a turn to the first text of its answer.'],
  turn: ['turn', 'From the start of a turn to its end.'],
  toolCall: ['tool_call', 'A call of an MCP tool, with all its waiting.'],
  httpRequest: ['http_request', 'A request with a body on the HTTP door, with all its waiting.'],
} as const;

/**
 * The bridge's status as Prometheus reads it. Labels have few values: outcomes, tools of ours, doors, and the
 * keys of folders that are open; no paths and no names.
 */
export function prometheusText(status: BridgeStatus): string {
  const { counters, folders } = status;
  const lines: string[] = [];
  const add = (name: string, type: string, help: string, samples: readonly Sample[]) => {
    lines.push(`# HELP codex_bridge_${name} ${help}`, `# TYPE codex_bridge_${name} ${type}`);
    for (const [labels, value] of samples) lines.push(`codex_bridge_${name}${labelText(labels)} ${value}`);
  };
  const perFolder = (name: string, help: string, of: (folder: BridgeStatus['folders'][number]) => number) =>
    add(
      name,
      'gauge',
      help,
      folders.map((folder) => [{ folder: folder.key }, of(folder)]),
    );

  add('info', 'gauge', 'Version of the bridge.', [[{ version: status.version }, 1]]);
  add('start_time_seconds', 'gauge', 'When it started, since the epoch.', [[{}, status.startedAt / 1000]]);
  add('faces', 'gauge', 'Windows, CLI calls and stdio clients on the private socket.', [[{}, status.faces]]);
  add('clients', 'gauge', 'MCP clients.', [[{}, status.clients]]);
  perFolder('turns_running', 'Turns that run.', ({ running }) => running);
  perFolder('turns_queued', 'Turns that wait.', ({ queued }) => queued);
  perFolder(
    'approvals_pending',
    'Questions that wait for a person.',
    ({ waitingForApproval }) => waitingForApproval,
  );
  perFolder('sessions_loaded', 'Sessions that Codex holds loaded.', ({ loaded }) => loaded);
  perFolder('codex_up', 'Whether a Codex is ready.', ({ codex }) => (codex.state === 'ready' ? 1 : 0));
  perFolder('codex_restarts', 'How often Codex ended by itself.', ({ codex }) => codex.restarts);
  if (counters === undefined) return `${lines.join('\n')}\n`;

  const by = (label: string, values: Readonly<Record<string, number>>): Sample[] =>
    Object.entries(values).map(([name, value]) => [{ [label]: name }, value]);
  add('turns_total', 'counter', 'Turns that have ended.', by('outcome', counters.turns));
  add('http_requests_total', 'counter', 'Answers of the HTTP door.', by('status', counters.requests));
  add('tool_calls_total', 'counter', 'Calls of MCP tools.', by('tool', counters.tools));
  add('progress_dropped_total', 'counter', 'Progress messages that a later one replaced.', [
    [{}, counters.progressDropped],
  ]);
  add('faces_dropped_total', 'counter', 'Faces that did not read.', [[{}, counters.facesDropped]]);
  add(
    'bytes_total',
    'counter',
    'Bytes through the doors.',
    Object.entries(counters.traffic).flatMap(([door, traffic]) => [
      [{ door, direction: 'in' }, traffic.in],
      [{ door, direction: 'out' }, traffic.out],
    ]),
  );
  for (const [key, [name, help]] of Object.entries(LATENCY_HELP)) {
    // The keys of the table are those of the latencies.
    lines.push(...summary(`${name}_seconds`, help, counters.latencies[key as keyof typeof LATENCY_HELP]));
  }
  add('memory_bytes', 'gauge', 'Memory of the process.', by('kind', counters.memory));
  add(
    'event_loop_delay_seconds',
    'gauge',
    'How late the event loop was.',
    by('quantile', {
      '0.5': counters.eventLoop.p50 / 1000,
      '0.99': counters.eventLoop.p99 / 1000,
      '1': counters.eventLoop.max / 1000,
    }),
  );
  return `${lines.join('\n')}\n`;
}

/** Times come in ms and go out in seconds. */
function summary(name: string, help: string, { count, sum, p50, p95, p99 }: Latency): string[] {
  const full = `codex_bridge_${name}`;
  return [
    `# HELP ${full} ${help}`,
    `# TYPE ${full} summary`,
    ...[
      ['0.5', p50],
      ['0.95', p95],
      ['0.99', p99],
    ].map(([quantile, ms]) => `${full}{quantile="${quantile}"} ${Number(ms) / 1000}`),
    `${full}_sum ${sum / 1000}`,
    `${full}_count ${count}`,
  ];
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
