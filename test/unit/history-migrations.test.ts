import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../../src/bridge/history/database.ts';
import { SCHEMA_VERSION, schemaVersion } from '../../src/bridge/history/schema.ts';
import { addSession, historyDir } from './history-support.ts';

const fixtures = new URL('./fixtures/history/', import.meta.url);
/** Histories as each version of the schema wrote them, with the same sessions in each. */
const versions = readdirSync(fixtures)
  .filter((name) => name.endsWith('.db.gz'))
  .map((name) => Number(/^v(\d+)\./.exec(name)?.[1]))
  .toSorted((a, b) => a - b);
/** What the version that wrote the first of them read back. */
const content = JSON.parse(readFileSync(new URL('content.json', fixtures), 'utf8'));

let dir: Awaited<ReturnType<typeof historyDir>>;
beforeEach(async () => {
  dir = await historyDir();
});
afterEach(() => dir.dispose());

function put(version: number): void {
  mkdirSync(dirname(dir.file), { recursive: true });
  writeFileSync(dir.file, gunzipSync(readFileSync(new URL(`v${version}.db.gz`, fixtures))));
}

/** As JSON, which has no undefined. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

describe('a history of an earlier version', () => {
  it('is there for each version of the schema: a new one needs a fixture', () => {
    expect(versions).toEqual(Array.from({ length: SCHEMA_VERSION }, (_, at) => at + 1));
  });

  it.each(versions)('%i reads as it was written, and goes on', (version) => {
    put(version);
    const raw = Database.open(dir.file, { readOnly: true });
    expect(schemaVersion(raw)).toBe(version);
    raw.close();

    const store = dir.open();
    expect(store.recovered).toBeUndefined();
    for (const session of content.sessions) expect(plain(store.read(session.id))).toEqual(session);
    expect(plain(store.list({}).sessions)).toEqual(content.list);
    expect(plain(store.list({ archived: true }).sessions)).toEqual(content.archived);
    expect(store.list({ query: 'parser fixed' }).sessions.map(({ id }) => id)).toEqual(content.found);
    expect(plain(store.statistics({ prices: {}, currency: 'USD' }))).toEqual(content.statistics);
    expect(store.unfinished().map(({ turn }) => turn.id)).toEqual(content.unfinished);
    expect(store.turnByKey('key-1')).toEqual({ session: 's_done', turn: 't_1' });
    addSession(store, 's_new', { prompt: 'p', answer: 'a' });
    store.close();

    const again = dir.open();
    expect(again.recovered).toBeUndefined();
    expect(again.read('s_new')?.turns).toHaveLength(1);
  });

  it.each(versions)('%i is rescued too when it is damaged', (version) => {
    put(version);
    const bytes = readFileSync(dir.file);
    // The root of the search index's texts, or what is after it: not the sessions.
    writeFileSync(dir.file, bytes.fill(0xa5, bytes.length - 4096));
    const store = dir.open();
    expect(store.recovered?.sessions).toBe(content.sessions.length);
    for (const { id, title } of content.sessions) expect(store.read(id)?.title).toBe(title);
  });
});
