import { describe, expect, it } from 'vitest';
import { type GuardedRequest, guardRequest } from '../../src/bridge/http/requestGuard.ts';
import { ALL_FOLDERS, Tokens } from '../../src/bridge/http/tokens.ts';

const PORT = 4711;
const HOME = '0123456789abcdef';
const OTHER = 'fedcba9876543210';
const tokens = new Tokens();

function guard(change: Partial<GuardedRequest> & { headers?: readonly string[]; drop?: string } = {}) {
  const base = ['Host', `127.0.0.1:${PORT}`, 'Authorization', `Bearer ${tokens.all}`];
  const kept: string[] = [];
  for (let i = 0; i < base.length; i += 2) {
    if (base[i] !== change.drop) kept.push(base[i] ?? '', base[i + 1] ?? '');
  }
  return guardRequest(
    {
      method: change.method ?? 'POST',
      target: change.target ?? '/mcp',
      rawHeaders: [...kept, ...(change.headers ?? [])],
      remoteAddress: change.remoteAddress ?? '127.0.0.1',
    },
    {
      port: PORT,
      maxBodyBytes: 1_000,
      authorize: (token) => tokens.authorize(token),
      hasFolder: (key) => key === HOME,
    },
  );
}

function status(change: Parameters<typeof guard>[0]): number {
  const verdict = guard(change);
  return verdict.ok ? 200 : verdict.status;
}

describe('guardRequest', () => {
  it('lets our own requests through', () => {
    expect(guard()).toEqual({ ok: true, scope: ALL_FOLDERS });
    expect(status({ headers: ['Origin', `http://127.0.0.1:${PORT}`] })).toBe(200);
    expect(status({ drop: 'Host', headers: ['Host', `localhost:${PORT}`] })).toBe(200);
  });

  it.each([
    ['another machine', { remoteAddress: '192.0.2.1' }, 403],
    ['a rebound host', { drop: 'Host', headers: ['Host', `evil.example:${PORT}`] }, 403],
    ['a host without the port', { drop: 'Host', headers: ['Host', '127.0.0.1'] }, 403],
    ['another port', { drop: 'Host', headers: ['Host', '127.0.0.1:80'] }, 403],
    ['no host', { drop: 'Host' }, 403],
    ['two hosts', { headers: ['Host', `127.0.0.1:${PORT}`] }, 400],
    ['a web page', { headers: ['Origin', 'https://evil.example'] }, 403],
    ['an opaque origin', { headers: ['Origin', 'null'] }, 403],
    ['our origin over https', { headers: ['Origin', `https://127.0.0.1:${PORT}`] }, 403],
    ['two origins', { headers: ['Origin', `http://127.0.0.1:${PORT}`, 'Origin', 'null'] }, 400],
    ['two authorizations', { headers: ['Authorization', 'Bearer x'] }, 400],
    ['a forwarded request', { headers: ['X-Forwarded-Host', 'evil.example'] }, 403],
    ['ambiguous framing', { headers: ['Content-Length', '1', 'Transfer-Encoding', 'chunked'] }, 400],
    ['no token', { drop: 'Authorization' }, 401],
    ['a wrong token', { drop: 'Authorization', headers: ['Authorization', 'Bearer nonsense'] }, 401],
    [
      'a cut token',
      { drop: 'Authorization', headers: ['Authorization', `Bearer ${tokens.all.slice(0, -1)}`] },
      401,
    ],
    ['another scheme', { drop: 'Authorization', headers: ['Authorization', `Basic ${tokens.all}`] }, 401],
    ['a token in the URL', { drop: 'Authorization', target: `/mcp?token=${tokens.all}` }, 401],
    ['an unknown path without a token', { drop: 'Authorization', target: '/secret' }, 401],
    ['an unknown path', { target: '/secret' }, 404],
    ['an absolute target', { target: 'http://evil.example/mcp' }, 404],
    ['a folder that is not open', { target: `/mcp/${OTHER}` }, 404],
    ['a preflight', { method: 'OPTIONS' }, 405],
    ['too long a body', { headers: ['Content-Length', '1001'] }, 413],
    ['a length that is no number', { headers: ['Content-Length', 'x'] }, 413],
  ] as const)('refuses %s', (_what, change, expected) => {
    expect(status(change)).toBe(expected);
  });

  it('asks for a token in the words of HTTP, and never sends a CORS header', () => {
    const verdict = guard({ drop: 'Authorization' });
    expect(verdict).toMatchObject({ headers: { 'WWW-Authenticate': expect.stringContaining('Bearer') } });
    expect(JSON.stringify(verdict)).not.toMatch(/access-control/i);
  });

  it("keeps a folder's token to that folder", () => {
    const headers = ['Authorization', `Bearer ${tokens.folder(HOME)}`];
    const mine = { drop: 'Authorization', headers } as const;
    expect(guard({ ...mine, target: `/mcp/${HOME}` })).toEqual({
      ok: true,
      scope: { kind: 'folder', folder: HOME },
    });
    expect(status({ ...mine, target: '/mcp' })).toBe(403);
    expect(status({ ...mine, target: `/mcp/${OTHER}` })).toBe(403);
  });

  it('narrows the token for all folders on the path of one', () => {
    expect(guard({ target: `/mcp/${HOME}?x=1` })).toEqual({
      ok: true,
      scope: { kind: 'folder', folder: HOME },
    });
  });

  it('gives the metrics of all folders to the token for all folders only', () => {
    expect(guard({ method: 'GET', target: '/metrics' })).toEqual({
      ok: true,
      scope: ALL_FOLDERS,
      metrics: true,
    });
    const headers = ['Authorization', `Bearer ${tokens.folder(HOME)}`];
    expect(status({ target: '/metrics', drop: 'Authorization', headers })).toBe(403);
    expect(status({ target: '/metrics', drop: 'Authorization' })).toBe(401);
    expect(status({ target: '/metrics', headers: ['Origin', 'https://example.org'] })).toBe(403);
  });

  it('forgets a revoked token', () => {
    const token = tokens.folder(OTHER);
    expect(tokens.authorize(token)).toEqual({ kind: 'folder', folder: OTHER });
    tokens.revoke(OTHER);
    expect(tokens.authorize(token)).toBeUndefined();
  });
});
