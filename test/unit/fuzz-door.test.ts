import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { fill, withoutToken, withToken } from '../support/doorNonsense.ts';
import { requestFor } from '../support/doorRequests.ts';
import { type Doors, openDoors } from '../support/fakeDoors.ts';
import { askRaw, requestText } from '../support/rawHttp.ts';

// Nonsense at the real HTTP and MCP doors, on raw sockets. The same cases at each run.

/** Each a connection of its own: on a developer's machine a part of them. */
const CASES = process.env['CI'] === undefined ? 1_000 : 10_000;
const AT_ONCE = 50;
const SEED = 20_261_121;

let doors: Doors;

beforeAll(async () => {
  doors = await openDoors({ folders: 2 });
  await doors.mcp.warm();
});
afterAll(() => doors.close());

/** Sends all of it and then the end of the stream; the statuses of whatever comes back until the door closes. */
function statusesOf(text: string): Promise<number[]> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ port: doors.http.port, host: '127.0.0.1', allowHalfOpen: true }, () =>
      socket.end(fill(text, doors.tokens.all, doors.http.port)),
    );
    socket.setTimeout(20_000, () => {
      socket.destroy();
      reject(new Error(`the connection was not closed after ${JSON.stringify(text)}`));
    });
    socket.setEncoding('latin1').on('data', (chunk) => {
      answer += chunk;
    });
    // Closed while we still wrote.
    socket.on('error', () => undefined);
    socket.on('close', () =>
      resolve([...answer.matchAll(/^HTTP\/1\.[01] (\d{3}) /gm)].map(([, status]) => Number(status))),
    );
  });
}

async function all(
  cases: readonly string[],
  check: (statuses: number[], text: string) => void,
): Promise<void> {
  for (let at = 0; at < cases.length; at += AT_ONCE) {
    const batch = cases.slice(at, at + AT_ONCE);
    const answers = await Promise.all(batch.map(statusesOf));
    for (const [i, statuses] of answers.entries()) check(statuses, batch[i] ?? '');
  }
  // After all of it the door is what it was.
  const good = requestText(requestFor(doors));
  expect((await askRaw(doors.http.port, good)).status).toBe(200);
}

it('A4: whatever comes without the right token is refused, and nothing behind the door hears of it', async () => {
  const handled = vi.spyOn(doors.mcp, 'handle');
  const seen = new Map<number, number>();
  await all(fc.sample(withoutToken, { numRuns: CASES, seed: SEED }), (statuses, text) => {
    for (const status of statuses) {
      seen.set(status, (seen.get(status) ?? 0) + 1);
      expect([text, status >= 400]).toEqual([text, true]);
    }
  });
  // The last one was good.
  expect(handled).toHaveBeenCalledTimes(1);
  // A fuzzer that is refused for one reason only finds nothing.
  for (const status of [400, 401, 403]) expect(seen.get(status) ?? 0, `${status}`).toBeGreaterThan(5);
  handled.mockRestore();
}, 120_000);

it('A21: whatever comes with the right token is answered or refused, and the next request is served', async () => {
  const seen = new Set<number>();
  await all(fc.sample(withToken, { numRuns: CASES, seed: SEED }), (statuses, text) => {
    for (const status of statuses) {
      seen.add(status);
      // A fault of ours would be a 500.
      expect([text, status]).not.toEqual([text, 500]);
    }
  });
  for (const status of [200, 400, 401, 403, 404]) expect(seen).toContain(status);
}, 120_000);
