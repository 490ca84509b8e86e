import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../../src/bridge/history/database.ts';
import type { History } from '../../src/bridge/history/history.ts';
import { migrate } from '../../src/bridge/history/schema.ts';
import { SEARCHED_LENGTH, SearchIndex } from '../../src/bridge/history/search.ts';
import { addSession, historyDir, newSession } from './history-support.ts';

let dir: Awaited<ReturnType<typeof historyDir>>;
let store: History;

beforeEach(async () => {
  dir = await historyDir();
  store = dir.open({ file: ':memory:' });
});
afterEach(() => dir.dispose());

function found(query: string): string[] {
  return store.list({ query }).sessions.map(({ id }) => id);
}

describe('search', () => {
  it('finds words of title, prompt and answer, in any order, by their beginnings', () => {
    addSession(
      store,
      's_1',
      { prompt: 'Rename the parser', answer: 'Done in src/parse.ts' },
      { title: 'Tidy up' },
    );
    addSession(store, 's_2', { prompt: 'Something else', answer: 'No', at: 3000 });
    expect(found('parser rename')).toEqual(['s_1']);
    expect(found('TIDY done')).toEqual(['s_1']);
    expect(found('pars')).toEqual(['s_1']);
    expect(found('src/parse.ts')).toEqual(['s_1']);
    expect(found('arser')).toEqual([]);
    expect(found('parser else')).toEqual([]);
    expect(found('"the parser"')).toEqual(['s_1']);
    expect(found('"parser the"')).toEqual([]);
    expect(found('')).toEqual(['s_2', 's_1']);
    expect(found('  ')).toEqual(['s_2', 's_1']);
  });

  it('passes over accents, and finds scripts without spaces and signs', () => {
    addSession(store, 's_1', { prompt: 'Überprüfe die Größe', answer: '配置文件已经更新' }, { title: 'one' });
    addSession(store, 's_2', { prompt: 'a => b', answer: '100% sure_thing \\o/' }, { title: 'two' });
    expect(found('uberprufe')).toEqual(['s_1']);
    expect(found('文件')).toEqual(['s_1']);
    expect(found('=>')).toEqual(['s_2']);
    expect(found('%')).toEqual(['s_2']);
    expect(found('_')).toEqual(['s_2']);
    expect(found('\\')).toEqual(['s_2']);
    expect(found('=%>')).toEqual([]);
  });

  it.each([
    '"',
    '""',
    '"""',
    'a"b',
    "'; DROP TABLE sessions; --",
    'title:x',
    'NEAR(a b)',
    'a AND',
    'OR',
    'NOT a',
    '-a',
    '^a',
    'a*',
    '*',
    '(a',
    '{a b}:',
    'a + b',
    '\0',
    'a\0b',
    '\ud800',
    '%_\\',
    'x'.repeat(100_000),
    'x '.repeat(10_000),
    '\u200b',
    '👩‍👩‍👧',
  ])('takes no character of %j as an operator', (query) => {
    addSession(store, 's_1', { prompt: 'nothing of the kind', answer: 'zzz' }, { title: 'q' });
    expect(() => store.list({ query })).not.toThrow();
    expect(store.list({}).sessions).toHaveLength(1);
  });

  it('finds the operators themselves as words', () => {
    addSession(store, 's_1', { prompt: 'this AND that NEAR here', answer: 'NOT' });
    addSession(store, 's_2', { prompt: 'nothing', answer: 'at all' });
    expect(found('AND')).toEqual(['s_1']);
    expect(found('this NOT that')).toEqual(['s_1']);
    expect(found('NEAR')).toEqual(['s_1']);
  });

  it('follows the title and forgets the old one', () => {
    const live = addSession(store, 's_1', { prompt: 'p', answer: 'a' }, { title: 'before' });
    live.append(store, { type: 'session.titled', title: 'after' });
    expect(found('before')).toEqual([]);
    expect(found('after')).toEqual(['s_1']);
    live.append(
      store,
      { type: 'session.titled', title: '\ud83d\0half' },
      { type: 'session.titled', title: '' },
    );
    expect(found('half')).toEqual([]);
  });

  it('looks at the first part of a long text only', () => {
    addSession(store, 's_1', { prompt: `${'x '.repeat(SEARCHED_LENGTH / 2)}needle`, answer: 'a' });
    expect(found('x')).toEqual(['s_1']);
    expect(found('needle')).toEqual([]);
  });

  it('pages with a cursor', () => {
    for (let i = 0; i < 5; i++)
      addSession(store, `s_${i}`, { prompt: i % 2 ? 'odd' : 'even', answer: '', at: i });
    const first = store.list({ query: 'even', limit: 2 });
    expect(first.sessions.map(({ id }) => id)).toEqual(['s_4', 's_2']);
    const next = store.list({ query: 'even', limit: 2, cursor: first.cursor ?? '' });
    expect(next.sessions.map(({ id }) => id)).toEqual(['s_0']);
    expect(next.cursor).toBeUndefined();
  });
});

describe('a SQLite without FTS5', () => {
  it('scans the texts, and the next one with FTS5 builds its index from them', () => {
    const file = `${dir.path}/search.db`;
    const db = Database.open(file);
    migrate(db);
    const plain = new SearchIndex(db, false);
    const session = newSession('s_1');
    db.run(
      `INSERT INTO sessions (id, title, archived, created_at, updated_at, seq, usage, settings, approvals)
       VALUES ('s_1', '"t"', 0, 1, 1, 0, ?, '{}', '[]')`,
      JSON.stringify(session.usage),
    );
    plain.put('s_1', 's_1', 'title', 'Needle in 100% hay');
    const query = (index: SearchIndex, words: string) => {
      const { sql, values } = index.conditions(words);
      return db.all(`SELECT id FROM sessions s WHERE ${sql.join(' AND ')}`, ...values).length;
    };
    expect(query(plain, 'needle HAY')).toBe(1);
    expect(query(plain, '0%')).toBe(1);
    expect(query(plain, '1%0')).toBe(0);
    const indexed = new SearchIndex(db);
    expect(query(indexed, 'needle hay')).toBe(1);
    const again = new SearchIndex(db, false);
    again.put('s_1', 's_1', 'title', 'Changed meanwhile');
    const last = new SearchIndex(db);
    expect(query(last, 'needle')).toBe(0);
    expect(query(last, 'meanwhile')).toBe(1);
    last.removeSession('s_1');
    expect(query(last, 'meanwhile')).toBe(0);
    db.close();
  });
});
