import type { Scope } from './tokens.ts';

/** What the guard looks at: nothing of the body, and nothing of the query. */
export interface GuardedRequest {
  readonly method: string;
  /** The request target as it came. */
  readonly target: string;
  /** Names and values in turn, as Node's `rawHeaders`: doubled headers are still seen. */
  readonly rawHeaders: readonly string[];
  readonly remoteAddress: string | undefined;
}

export interface GuardOptions {
  readonly port: number;
  readonly maxBodyBytes: number;
  authorize(token: string): Scope | undefined;
  /** Whether the folder of a path is known. */
  hasFolder(key: string): boolean;
}

export interface Refusal {
  readonly ok: false;
  readonly status: number;
  /** For the caller: what is wrong and what to do. */
  readonly reason: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `metrics`: it asks for them, not for MCP. */
export type Verdict = { readonly ok: true; readonly scope: Scope; readonly metrics?: true } | Refusal;

const METHODS = ['POST', 'GET', 'DELETE'];
const LOOPBACK = new Set(['127.0.0.1', '::ffff:127.0.0.1']);
/** One request has one of each; two are an attempt to show different ones to different readers. */
const SINGLE = [
  'host',
  'origin',
  'authorization',
  'content-length',
  'content-type',
  'transfer-encoding',
  'mcp-session-id',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'last-event-id',
];
/** Set by whoever forwards our port to somewhere else. */
const FORWARDED = /^(?:forwarded|via|x-real-ip|x-forwarded-.*|x-original-host)$/;

/**
 * Decides over a request before its body is read: loopback only, our own Host (DNS rebinding), no Origin but
 * our own (a web page), no doubled headers, a token of ours, a bounded body. A refusal before the token is
 * known tells nothing of what exists behind it. No CORS header is ever sent, so no page can read an answer.
 */
export function guardRequest(request: GuardedRequest, options: GuardOptions): Verdict {
  const headers = collect(request.rawHeaders);
  return (
    checkConnection(request, headers, options.port) ??
    checkOrigin(headers, options.port) ??
    checkAuthorized(request, headers, options)
  );
}

function checkConnection(
  request: GuardedRequest,
  headers: Map<string, string[]>,
  port: number,
): Refusal | undefined {
  if (!LOOPBACK.has(request.remoteAddress ?? '')) return refuse(403, 'Only this machine may connect.');
  for (const name of SINGLE) {
    if ((headers.get(name)?.length ?? 0) > 1) return refuse(400, `More than one ${name} header.`);
  }
  if (headers.has('content-length') && headers.has('transfer-encoding')) {
    return refuse(400, 'Both content-length and transfer-encoding are given.');
  }
  const host = headers.get('host')?.[0]?.toLowerCase();
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) {
    return refuse(403, `The Host must be 127.0.0.1:${port} or localhost:${port}.`);
  }
  for (const name of headers.keys()) {
    if (FORWARDED.test(name)) {
      return refuse(403, 'Forwarded requests are refused. Connect from this machine.');
    }
  }
  return undefined;
}

function checkOrigin(headers: Map<string, string[]>, port: number): Refusal | undefined {
  const origin = headers.get('origin')?.[0];
  if (origin === undefined) return undefined;
  if (origin === `http://127.0.0.1:${port}` || origin === `http://localhost:${port}`) return undefined;
  return refuse(403, 'Requests from web pages are refused.');
}

function checkAuthorized(
  request: GuardedRequest,
  headers: Map<string, string[]>,
  options: GuardOptions,
): Verdict {
  const token = bearerToken(headers.get('authorization')?.[0]);
  const granted = token === undefined ? undefined : options.authorize(token);
  if (granted === undefined) {
    return refuse(
      401,
      'A valid bearer token is needed. Tokens change when the bridge starts: get the current one from "codex-bridge serve --json" or VS Code, or register "codex-bridge attach".',
      { 'WWW-Authenticate': 'Bearer realm="codex-bridge"' },
    );
  }
  const length = headers.get('content-length')?.[0];
  if (length !== undefined && !(Number(length) <= options.maxBodyBytes)) {
    return refuse(413, `The body may have at most ${options.maxBodyBytes} bytes.`);
  }
  const routed = route(request.target, granted, options);
  if (!routed.ok) return routed;
  if (!METHODS.includes(request.method)) {
    return refuse(405, `${request.method} is not served here.`, { Allow: METHODS.join(', ') });
  }
  return routed;
}

/** `/mcp` and `/metrics` are for all folders, `/mcp/<folder key>` for one; a wider token on a folder's path is narrowed. */
function route(target: string, granted: Scope, options: GuardOptions): Verdict {
  const path = target.split('?', 1)[0] ?? '';
  if (path === '/mcp') {
    if (granted.kind === 'all') return { ok: true, scope: granted };
    return refuse(403, `This token is for one folder. Use the path /mcp/${granted.folder}.`);
  }
  if (path === '/metrics') {
    if (granted.kind === 'all') return { ok: true, scope: granted, metrics: true };
    return refuse(403, 'Metrics are of all folders, and this token is for one.');
  }
  const key = /^\/mcp\/([0-9a-f]{16})$/.exec(path)?.[1];
  if (key === undefined) return refuse(404, 'Nothing is here. The endpoint is /mcp or /mcp/<folder key>.');
  if (granted.kind === 'folder' && granted.folder !== key) {
    return refuse(403, 'This token is for another folder.');
  }
  if (!options.hasFolder(key)) return refuse(404, 'This folder is not open in the bridge.');
  return { ok: true, scope: { kind: 'folder', folder: key } };
}

function bearerToken(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^bearer +(\S+)$/i.exec(header)?.[1];
}

function collect(raw: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]?.toLowerCase() ?? '';
    const values = headers.get(name) ?? [];
    headers.set(name, values);
    values.push(raw[i + 1] ?? '');
  }
  return headers;
}

function refuse(status: number, reason: string, headers?: Readonly<Record<string, string>>): Refusal {
  return headers === undefined ? { ok: false, status, reason } : { ok: false, status, reason, headers };
}
