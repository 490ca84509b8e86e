import { answerOf, hasEnded, type SessionId, type TurnSnapshot } from '../../shared/session.ts';
import type { Database, Value } from './database.ts';
import { textOf } from './rows.ts';

/** Text of one prompt or answer that can be found, in UTF-16 units: what follows is kept, but not searched. */
export const SEARCHED_LENGTH = 64 * 1024;
/** Words of one query that count. */
const MAX_TERMS = 16;
const MAX_TERM_LENGTH = 200;

/**
 * Full-text search over titles, prompts and answers. The texts are in a table of their own, which FTS5
 * indexes. FTS5 is missing in SQLite as Node 22.13 has it: there the same texts are scanned (which also finds
 * parts of words, and heeds accents), and the next Node that has FTS5 builds the index again.
 */
export class SearchIndex {
  readonly #db: Database;
  readonly #fts: boolean;

  /** `fts`: whether to use FTS5; where SQLite has it if not said. */
  constructor(db: Database, fts = hasFts(db)) {
    this.#db = db;
    this.#fts = this.#prepare(fts);
  }

  /** `owner`: the session of a title, the turn of a prompt or an answer. */
  put(session: SessionId, owner: string, kind: 'title' | 'prompt' | 'answer', text: string): void {
    // As it will be read back: the index is told what it forgets by the text in the table.
    const body = text.slice(0, SEARCHED_LENGTH).toWellFormed().replaceAll('\0', ' ');
    const old = this.#db.get('SELECT id, body FROM texts WHERE owner = ? AND kind = ?', owner, kind);
    if (old === undefined) {
      if (body === '') return;
      this.#db.run(
        'INSERT INTO texts (session, owner, kind, body) VALUES (?, ?, ?, ?)',
        session,
        owner,
        kind,
        body,
      );
    } else {
      if (old['body'] === body) return;
      this.#forget(old['id'] ?? null, textOf(old, 'body'));
      this.#db.run('UPDATE texts SET body = ? WHERE owner = ? AND kind = ?', body, owner, kind);
    }
    if (!this.#fts) return;
    this.#db.run(
      'INSERT INTO search (rowid, body) SELECT id, body FROM texts WHERE owner = ? AND kind = ?',
      owner,
      kind,
    );
  }

  /** Its prompt, and its answer once it has ended. */
  putTurn(session: SessionId, turn: TurnSnapshot): void {
    this.put(session, turn.id, 'prompt', turn.prompt);
    if (hasEnded(turn.status)) this.put(session, turn.id, 'answer', answerOf(turn));
  }

  removeSession(session: SessionId): void {
    for (const row of this.#db.all('SELECT id, body FROM texts WHERE session = ?', session)) {
      this.#forget(row['id'] ?? null, textOf(row, 'body'));
    }
    this.#db.run('DELETE FROM texts WHERE session = ?', session);
  }

  /**
   * Conditions on `sessions s`: every word of the query is the beginning of a word in some text of the
   * session; "several words" in quotes stand side by side. No character of the query is an operator.
   */
  conditions(query: string): { sql: string[]; values: Value[] } {
    const sql: string[] = [];
    const values: Value[] = [];
    for (const term of termsOf(query)) {
      if (this.#fts && isIndexed(term)) {
        sql.push(
          's.id IN (SELECT t.session FROM search JOIN texts t ON t.id = search.rowid WHERE search MATCH ?)',
        );
        values.push(`"${term.replaceAll('"', '""')}"${/[\p{L}\p{N}]$/u.test(term) ? '*' : ''}`);
      } else {
        sql.push(`s.id IN (SELECT session FROM texts WHERE body LIKE ? ESCAPE '\\')`);
        values.push(`%${term.replace(/[\\%_]/g, '\\$&')}%`);
      }
    }
    return { sql, values };
  }

  #forget(id: Value, body: string): void {
    // An FTS5 table without content of its own must be told what it forgets.
    if (this.#fts) this.#db.run(`INSERT INTO search (search, rowid, body) VALUES ('delete', ?, ?)`, id, body);
  }

  /** Makes the index fit to the texts, and notes when this SQLite will let it fall behind. */
  #prepare(fts: boolean): boolean {
    const state = this.#db.get(`SELECT value FROM meta WHERE key = 'search'`)?.['value'];
    const wanted = fts ? 'ready' : 'behind';
    if (state === wanted) return fts;
    this.#db.transaction(() => {
      if (fts) {
        this.#db.exec(
          `CREATE VIRTUAL TABLE IF NOT EXISTS search USING
            fts5(body, content = 'texts', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2')`,
        );
        this.#db.exec(`INSERT INTO search (search) VALUES ('rebuild')`);
      }
      this.#db.run(`INSERT OR REPLACE INTO meta (key, value) VALUES ('search', ?)`, wanted);
    });
    return fts;
  }
}

function hasFts(db: Database): boolean {
  return db.get(`SELECT 1 FROM pragma_module_list WHERE name = 'fts5'`) !== undefined;
}

/** Words, and phrases in double quotes; bounded, so that no query is a flood. */
function termsOf(query: string): string[] {
  const terms: string[] = [];
  for (const [, phrase, word] of query.replaceAll('\0', ' ').matchAll(/"([^"]*)"?|([^\s"]+)/gu)) {
    const term = (phrase ?? word ?? '').trim().slice(0, MAX_TERM_LENGTH);
    if (term !== '') terms.push(term);
    if (terms.length === MAX_TERMS) break;
  }
  return terms;
}

/**
 * FTS5's tokenizer takes letters and digits between other characters as a word. Signs alone have no word,
 * and scripts without spaces between words would be found by the beginnings of sentences only.
 */
function isIndexed(term: string): boolean {
  if (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}]/u.test(term)) {
    return false;
  }
  return /[\p{L}\p{N}]/u.test(term);
}
