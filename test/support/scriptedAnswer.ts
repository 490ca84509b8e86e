import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Gate, Step, TokenCounts } from './scriptedModel.ts';

/** Streams one response: items with their deltas, then the usage. */
export class Answer {
  readonly #response: ServerResponse;
  readonly #signal: AbortSignal;
  readonly #id: string;
  #items = 0;
  #tokens: TokenCounts = {};

  constructor(response: ServerResponse, signal: AbortSignal, id: string) {
    this.#response = response;
    this.#signal = signal;
    this.#id = id;
  }

  /** False when nothing more may be said. */
  async play(step: Step): Promise<boolean> {
    switch (step.do) {
      case 'message':
        return await this.#message(step.chunks, step.gate);
      case 'reasoning':
        this.#reasoning(step.summary);
        return true;
      case 'call':
        this.#call(step.name, step.arguments, step.namespace);
        return true;
      case 'usage':
        this.#tokens = { ...this.#tokens, ...step.tokens };
        return true;
      case 'fail':
        this.#response.writeHead(step.status, { 'content-type': 'application/json' });
        this.#response.end(JSON.stringify({ error: { message: step.message, type: 'scripted_error' } }));
        return false;
      case 'stall':
        this.#begin();
        await aborted(this.#signal);
        return false;
      case 'cut':
        this.#begin();
        // Let what was said leave first, so that the cut is in the middle and not before the beginning.
        await new Promise<void>((resolve) => this.#response.write(': cut\n\n', () => resolve()));
        this.#response.destroy();
        return false;
    }
  }

  complete(): void {
    if (this.#signal.aborted) return;
    this.#begin();
    const { input = 100, cached = 20, output = 10, reasoning: thought = 0 } = this.#tokens;
    this.#send('response.completed', {
      response: {
        id: this.#id,
        usage: {
          input_tokens: input,
          input_tokens_details: { cached_tokens: cached },
          output_tokens: output,
          output_tokens_details: { reasoning_tokens: thought },
          total_tokens: input + output,
        },
      },
    });
    this.#response.end();
  }

  async #message(chunks: readonly string[], gate: Gate | undefined): Promise<boolean> {
    this.#begin();
    const output_index = this.#items++;
    const item = { type: 'message', role: 'assistant', id: `msg_${this.#id}_${output_index}` };
    this.#send('response.output_item.added', { output_index, item: { ...item, content: [] } });
    for (const [index, delta] of chunks.entries()) {
      if (gate !== undefined) await Promise.race([gate(index), aborted(this.#signal)]);
      if (this.#signal.aborted) return false;
      this.#send('response.output_text.delta', { item_id: item.id, output_index, content_index: 0, delta });
    }
    const content = [{ type: 'output_text', text: chunks.join(''), annotations: [] }];
    this.#send('response.output_item.done', { output_index, item: { ...item, content } });
    return true;
  }

  #reasoning(summary: readonly string[]): void {
    this.#begin();
    const output_index = this.#items++;
    const id = `rs_${this.#id}_${output_index}`;
    this.#send('response.output_item.added', { output_index, item: { type: 'reasoning', id, summary: [] } });
    for (const [summary_index, part] of summary.entries()) {
      const where = { item_id: id, output_index, summary_index };
      this.#send('response.reasoning_summary_part.added', {
        ...where,
        part: { type: 'summary_text', text: '' },
      });
      this.#send('response.reasoning_summary_text.delta', { ...where, delta: part });
    }
    const parts = summary.map((part) => ({ type: 'summary_text', text: part }));
    this.#send('response.output_item.done', {
      output_index,
      item: { type: 'reasoning', id, summary: parts, encrypted_content: null },
    });
  }

  #call(name: string, args: unknown, namespace?: string): void {
    this.#begin();
    const output_index = this.#items++;
    const id = `${this.#id}_${output_index}`;
    const item = {
      type: 'function_call',
      id: `fc_${id}`,
      call_id: `call_${id}`,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      arguments: JSON.stringify(args),
    };
    this.#send('response.output_item.added', { output_index, item: { ...item, arguments: '' } });
    this.#send('response.output_item.done', { output_index, item });
  }

  #begin(): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    this.#send('response.created', { response: { id: this.#id } });
  }

  #send(type: string, fields: object): void {
    if (this.#response.destroyed) return;
    this.#response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
