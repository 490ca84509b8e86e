import * as z from 'zod';
import type { ToolProfile } from '../../shared/settings.ts';
import type { Tool } from './tool.ts';
import { ask } from './tools/ask.ts';
import { cancel } from './tools/cancel.ts';
import { chatMsg } from './tools/chatMsg.ts';
import { chatStart } from './tools/chatStart.ts';
import { codex } from './tools/codex.ts';
import { codexReply } from './tools/codexReply.ts';
import { history } from './tools/history.ts';
import { patch } from './tools/patch.ts';
import { plan } from './tools/plan.ts';
import { restart } from './tools/restart.ts';
import { review } from './tools/review.ts';
import { status } from './tools/status.ts';
import { steer } from './tools/steer.ts';
import { wait } from './tools/wait.ts';

/** In the order in which clients list them. */
const TOOLS: readonly Tool[] = [
  ask,
  chatStart,
  chatMsg,
  plan,
  patch,
  review,
  wait,
  steer,
  cancel,
  status,
  restart,
  history,
  codex,
  codexReply,
];

/** What a profile lists, where that is not all. What a client calls without having it listed works as ever. */
const PROFILES: Readonly<Record<Exclude<ToolProfile, 'all'>, ReadonlySet<string>>> = {
  core: new Set(['ask', 'plan', 'patch', 'review', 'wait', 'cancel', 'status']),
  compat: new Set(['codex', 'codex-reply']),
};

/** A tool as `tools/list` tells it. */
export interface ToolDefinition {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly annotations: Tool['annotations'];
  readonly inputSchema: JsonObjectSchema;
  readonly outputSchema: JsonObjectSchema;
}

type JsonObjectSchema = { type: 'object'; [key: string]: unknown };

/**
 * All tools, with their schemas converted once: a server is made for every request of the newer protocol, and
 * converting them there would cost more than all the rest.
 */
export class ToolSet {
  readonly definitions: readonly ToolDefinition[] = TOOLS.map((tool) => ({
    name: tool.name,
    title: tool.title,
    description: tool.description,
    annotations: tool.annotations,
    inputSchema: toJson(tool.input, 'input'),
    outputSchema: toJson(tool.output, 'output'),
  }));
  /** What `tools/list` tells. */
  listed(profile: ToolProfile): ToolDefinition[] {
    const names = profile === 'all' ? undefined : PROFILES[profile];
    return this.definitions.filter(({ name }) => names === undefined || names.has(name));
  }

  readonly #byName = new Map(TOOLS.map((tool) => [tool.name, tool]));

  get(name: string): Tool | undefined {
    return this.#byName.get(name);
  }
}

/**
 * Arguments are closed: what a caller misspells must not be passed over. Results are open, because clients
 * keep a listing and would refuse an answer of a newer bridge that says more.
 */
function toJson(schema: z.ZodType, io: 'input' | 'output'): JsonObjectSchema {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, {
    io,
    override({ jsonSchema }) {
      if (io === 'output' && jsonSchema.additionalProperties === false)
        delete jsonSchema.additionalProperties;
      // Zod's integers are safe ones; to a reader of the listing that is noise.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  return { ...json, type: 'object' };
}
