import * as z from 'zod';
import type { Latency } from '../../../shared/counters.ts';
import { BridgeError } from '../../../shared/errors.ts';
import type { ToolCall } from '../call.ts';

const latencySchema = z.object({ count: z.number(), p50: z.number(), p95: z.number(), p99: z.number() });
const trafficSchema = z.object({ in: z.number(), out: z.number() });

/** What the bridge has counted since it started, in the words of the other results. Times in ms. */
export const countersSchema = z.object({
  clients: z.number(),
  faces: z.number(),
  turns: z.record(z.string(), z.number()),
  codex_restarts: z.number(),
  http_requests: z.record(z.string(), z.number()),
  tool_calls: z.record(z.string(), z.number()),
  progress_dropped: z.number(),
  faces_dropped: z.number(),
  bytes: z.object({ http: trafficSchema, faces: trafficSchema }),
  latency_ms: z.object({
    queue_wait: latencySchema,
    first_text: latencySchema,
    turn: latencySchema,
    tool_call: latencySchema,
    http_request: latencySchema,
  }),
  memory_bytes: z.number(),
  event_loop_delay_ms: z.object({ p50: z.number(), p99: z.number(), max: z.number() }),
});

/**
 * The counters are of all folders, so only who may see all of them is told.
 *
 * @throws BridgeError `INVALID_INPUT`
 */
export function countersFor({ bridge, scope }: ToolCall): z.infer<typeof countersSchema> | undefined {
  if (scope.kind !== 'all') {
    throw new BridgeError(
      'INVALID_INPUT',
      'Counters are of all folders, and this client sees one. Leave "counters" out, or run "codex-bridge doctor".',
    );
  }
  const { counters, clients, faces, folders } = bridge.status();
  if (counters === undefined) return undefined;
  const { queueWait, firstText, turn, toolCall, httpRequest } = counters.latencies;
  return {
    clients,
    faces,
    turns: counters.turns,
    codex_restarts: folders.reduce((sum, { codex }) => sum + codex.restarts, 0),
    http_requests: counters.requests,
    tool_calls: counters.tools,
    progress_dropped: counters.progressDropped,
    faces_dropped: counters.facesDropped,
    bytes: counters.traffic,
    latency_ms: {
      queue_wait: told(queueWait),
      first_text: told(firstText),
      turn: told(turn),
      tool_call: told(toolCall),
      http_request: told(httpRequest),
    },
    memory_bytes: counters.memory.rss,
    event_loop_delay_ms: counters.eventLoop,
  };
}

function told({ count, p50, p95, p99 }: Latency): z.infer<typeof latencySchema> {
  return { count, p50, p95, p99 };
}
