import type { ServerResponse } from 'node:http';
import type { Clock, Logger } from '../ports.ts';

/**
 * How long a reader may leave what was written to it, in ms; then its connection is ended. What it has asked for
 * goes on, and it finds that again: by `Last-Event-ID`, by its idempotency key, or with `wait`.
 */
export const MAX_UNREAD_MS = 45_000;
/** Of an answer that is written whole. */
const PART_BYTES = 256 * 1024;

interface SendDeps {
  readonly clock: Pick<Clock, 'after'>;
  readonly logger: Pick<Logger, 'warn'>;
}

/** Answers with a JSON-RPC error without an id: the request was refused before it was read. */
export function sendError(
  res: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
  code = -32_000,
): void {
  if (res.headersSent || res.destroyed) {
    res.end();
    return;
  }
  const body = JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null });
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...headers,
  });
  res.end(body);
}

/**
 * Writes a web-standard response: an event stream chunk by chunk as it comes, at the pace of the reader, any
 * other whole. Resolves when it is all handed over, or when the reader has gone or was let go, see
 * {@link MAX_UNREAD_MS}.
 */
export async function sendResponse(res: ServerResponse, response: Response, deps: SendDeps): Promise<void> {
  if (res.destroyed) {
    await response.body?.cancel();
    return;
  }
  const headers = Object.fromEntries(response.headers);
  if (response.body === null || !isEventStream(response)) {
    const body = Buffer.from(await response.arrayBuffer());
    res.writeHead(response.status, { ...headers, 'Content-Length': body.length });
    // In parts, so that a slow reader is told from one that reads no more.
    for (let at = 0; at < body.length && !res.destroyed; at += PART_BYTES) {
      if (!res.write(body.subarray(at, at + PART_BYTES))) await taken(res, deps);
    }
    res.end();
    return;
  }
  res.writeHead(response.status, headers);
  const reader = response.body.getReader();
  const onClose = () => void reader.cancel().catch(() => undefined); // a stream that failed is closed already
  res.once('close', onClose);
  // An event stream without events yet still tells its reader that it is open.
  res.flushHeaders();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (res.destroyed) return;
      if (!res.write(next.value)) await taken(res, deps);
    }
  } finally {
    res.off('close', onClose);
    res.end();
  }
}

function isEventStream(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/event-stream') === true;
}

/** Resolves when the reader has taken what was written, or has gone: in time, or because it did not. */
function taken(res: ServerResponse, { clock, logger }: SendDeps): Promise<void> {
  return new Promise((resolve) => {
    const cancelTimer = clock.after(MAX_UNREAD_MS, () => {
      logger.warn('an MCP client does not read; its connection is ended', { waiting: res.writableLength });
      res.destroy();
    });
    const done = () => {
      cancelTimer();
      res.off('drain', done);
      res.off('close', done);
      resolve();
    };
    res.once('drain', done);
    res.once('close', done);
    if (res.destroyed) done();
  });
}
