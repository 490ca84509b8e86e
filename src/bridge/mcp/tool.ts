import type * as z from 'zod';
import { BridgeError } from '../../shared/errors.ts';
import type { ToolCall, ToolResult } from './call.ts';

export interface ToolAnnotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** One MCP tool, with its arguments and results as schemas. */
export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly annotations: ToolAnnotations;
  readonly input: z.ZodType;
  readonly output: z.ZodType;
  /**
   * Whether a second run of the same call would do it a second time: it is not repeated by itself when its
   * answer was lost. Absent: never; a prompt is found again by its key.
   */
  onlyOnce?(args: unknown): boolean;
  /** @throws BridgeError, `INVALID_INPUT` for arguments that do not fit */
  call(args: unknown, call: ToolCall): Promise<ToolResult>;
}

/** Makes a tool whose `run` gets arguments that were checked against `input`. */
export function defineTool<I extends z.ZodObject>(tool: {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly annotations: ToolAnnotations;
  readonly input: I;
  readonly output: z.ZodObject;
  onlyOnce?(args: unknown): boolean;
  run(args: z.output<I>, call: ToolCall): Promise<ToolResult>;
}): Tool {
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    annotations: tool.annotations,
    input: tool.input,
    output: tool.output,
    ...(tool.onlyOnce === undefined ? {} : { onlyOnce: tool.onlyOnce }),
    async call(args, call) {
      const parsed = tool.input.safeParse(args ?? {});
      if (parsed.success) return tool.run(parsed.data, call);
      const issues = parsed.error.issues.slice(0, 5).map(describeIssue);
      throw new BridgeError('INVALID_INPUT', `Wrong arguments for ${tool.name}: ${issues.join('; ')}.`);
    },
  };
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `there is no argument ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
  }
  const path = issue.path.map(String).join('.');
  return path === '' ? issue.message : `"${path}": ${issue.message}`;
}
