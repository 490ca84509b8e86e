import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Database } from '../../src/bridge/history/database.ts';
import type { History } from '../../src/bridge/history/history.ts';
import { checkBeside } from '../../src/bridge/history/integrity.ts';
import { addSession, historyDir, Live, newSession, queuedTurn, recordingLogger } from './history-support.ts';

let dir: Awaited<ReturnType<typeof historyDir>>;

beforeEach(async () => {
  dir = await historyDir();
});
afterEach(() => dir.dispose());

/** SQLite's default page size in bytes. */
const PAGE = 4096;
const unavailable = expect.objectContaining({ code: 'HISTORY_UNAVAILABLE' });

describe('B17: a bridge killed with -9', () => {
  const writer = fileURLToPath(new URL('./history-writer.ts', import.meta.url));

  /** Runs the writer until it has acknowledged `count` prompts, kills it, and gives back all it acknowledged. */
  async function writeAndKill(start: number, count: number): Promise<number[]> {
    const child: ChildProcess = spawn(
      process.execPath,
      ['--experimental-strip-types', '--no-warnings', writer, dir.file, String(start)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const exited = once(child, 'exit');
    const acknowledged: number[] = [];
    try {
      if (child.stdout === null) throw new Error('no output');
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged.push(Number(line));
        if (acknowledged.length === count) child.kill('SIGKILL');
      }
    } finally {
      child.kill('SIGKILL');
      await exited;
    }
    return acknowledged;
  }

  it('leaves every acknowledged prompt exactly once, in order', async () => {
    let next = 0;
    for (const count of [1, 2, 7, 50]) {
      const acknowledged = await writeAndKill(next, count);
      expect(acknowledged.length).toBeGreaterThanOrEqual(count);
      next += acknowledged.length;
      const store = dir.open();
      const prompts = store.read('s_1')?.turns.map(({ prompt }) => prompt) ?? [];
      // The one that it was writing when it was killed may be there, unacknowledged.
      expect(prompts.length - next).toBeLessThanOrEqual(1);
      next = prompts.length;
      expect(prompts).toEqual(Array.from({ length: next }, (_, i) => `prompt ${i}`));
      expect(store.unfinished()).toHaveLength(next);
      expect(store.recovered).toBeUndefined();
      store.close();
    }
  }, 60_000);
});

describe('B8: a damaged file', () => {
  /** Sessions whose answers fill many pages. */
  function fill(store: History, sessions: number): void {
    store.transaction(() => {
      for (let i = 0; i < sessions; i++) {
        addSession(store, `s_${i}`, { prompt: `prompt ${i}`, answer: `${i} `.repeat(5000) });
      }
    });
  }

  /** Two pages of noise, from this one on. */
  function damaged(bytes: Buffer, page: number): Buffer {
    return Buffer.from(bytes).fill(0xa5, page * PAGE, (page + 2) * PAGE);
  }

  it('that is no database is set aside, and the history starts anew', async () => {
    await mkdir(dirname(dir.file), { recursive: true });
    writeFileSync(dir.file, 'This is no database. '.repeat(1000));
    writeFileSync(`${dir.file}.corrupt-1`, 'from an earlier time');
    const logger = recordingLogger();
    const store = dir.open({ logger });
    expect(store.recovered).toMatchObject({ setAside: `${dir.file}.corrupt-2`, sessions: 0 });
    expect(logger.warnings).toEqual([store.recovered?.message]);
    expect(store.recovered?.message).toContain(`${dir.file}.corrupt-2`);
    expect(readFileSync(`${dir.file}.corrupt-2`, 'utf8')).toMatch(/^This is no database/);
    addSession(store, 's_1', { prompt: 'p', answer: 'a' });
    store.close();
    const again = dir.open();
    expect(again.recovered).toBeUndefined();
    expect(again.read('s_1')).toBeDefined();
    expect(again.list({ query: 'p' }).sessions).toHaveLength(1);
  });

  it('gives back the sessions that can still be read, wherever the damage is', () => {
    const first = dir.open();
    fill(first, 60);
    const before = new Map(first.list({ limit: 500 }).sessions.map(({ id }) => [id, first.read(id)]));
    first.close();
    const bytes = readFileSync(dir.file);
    const pages = bytes.length / PAGE;
    let damagedTurns = 0;
    for (let run = 0; run < 12; run++) {
      const file = join(dir.path, `damaged-${run}.db`);
      // The first pages are the schema and the roots of the tables; without them nothing can be read.
      writeFileSync(file, damaged(bytes, Math.floor(40 + ((pages - 42) * run) / 11)));
      const store = dir.open({ file });
      expect(store.recovered).toEqual({
        setAside: `${file}.corrupt-1`,
        sessions: 60,
        message: expect.stringContaining('60 sessions could be read'),
      });
      const { sessions } = store.list({ limit: 500 });
      expect(sessions).toHaveLength(60);
      const whole = sessions.filter(({ turns }) => turns === 1).map(({ id }) => id);
      damagedTurns += sessions.length - whole.length;
      expect(whole.length).toBeGreaterThan(50);
      for (const id of whole) expect(store.read(id)).toStrictEqual(before.get(id));
      expect(store.list({ query: 'prompt', limit: 500 }).sessions).toHaveLength(whole.length);
      for (const { id } of sessions) {
        const session = store.read(id);
        if (session === undefined) throw new Error('listed, but not there');
        const more = queuedTurn(`t_more_${id}`, 'more');
        new Live(session).append(store, { type: 'turn.queued', turn: more });
        expect(store.read(id)?.turns.at(-1)?.prompt).toBe('more');
      }
      expect(store.list({ query: 'more', limit: 500 }).sessions).toHaveLength(60);
      if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
      store.close();
    }
    expect(damagedTurns).toBeGreaterThan(0);
  });

  it('keeps what was only in its write-ahead log', () => {
    const first = dir.open();
    fill(first, 30);
    first.close();
    const second = dir.open();
    addSession(second, 's_late', { prompt: 'late', answer: 'in the log' });
    const wal = readFileSync(`${dir.file}-wal`);
    expect(wal.length).toBeGreaterThan(0);
    // As a killed bridge leaves it: closing would bring the log into the file.
    const copy = join(dir.path, 'killed.db');
    const bytes = readFileSync(dir.file);
    writeFileSync(copy, damaged(bytes, Math.floor(bytes.length / PAGE / 2)));
    writeFileSync(`${copy}-wal`, wal);
    const store = dir.open({ file: copy });
    expect(store.recovered?.sessions).toBe(31);
    expect(store.read('s_late')?.turns).toHaveLength(1);
  });

  it('is finished where a recovery was cut short', () => {
    const first = dir.open();
    addSession(first, 's_1', { prompt: 'p', answer: 'a' });
    first.close();
    // Killed between setting the old file aside and putting the new one in its place.
    writeFileSync(`${dir.file}.recovering`, readFileSync(dir.file));
    writeFileSync(`${dir.file}.corrupt-1`, 'damaged');
    const moved = join(dir.path, 'moved.db');
    writeFileSync(`${moved}.recovering`, readFileSync(dir.file));
    const other = dir.open({ file: join(dir.path, 'other.db') });
    addSession(other, 's_other', { prompt: 'p', answer: 'a' });
    writeFileSync(`${moved}-wal`, readFileSync(join(dir.path, 'other.db-wal')));
    const finished = dir.open({ file: moved });
    expect(finished.recovered).toBeUndefined();
    expect(finished.list({}).sessions.map(({ id }) => id)).toEqual(['s_1']);
    // Killed before: the half-made file goes, and the old one is judged again.
    writeFileSync(`${dir.file}.recovering`, 'half made');
    expect(dir.open().read('s_1')).toBeDefined();
    expect(readdirSync(dirname(dir.file)).filter((name) => name.includes('recovering'))).toEqual([]);
  });

  /** Large enough not to be looked through before it is used. */
  function fillLarge(store: History): void {
    store.transaction(() => {
      for (let i = 0; i < 20; i++) {
        addSession(store, `s_${i}`, { prompt: `prompt ${i}`, answer: `${i} `.repeat(500_000) });
      }
    });
  }

  it('that is large opens at once, and the damage is found beside the work and mended at the next start', async () => {
    const first = dir.open();
    fillLarge(first);
    first.close();
    const bytes = readFileSync(dir.file);
    expect(bytes.length).toBeGreaterThan(16 * 1024 * 1024);
    writeFileSync(dir.file, damaged(bytes, Math.floor(bytes.length / PAGE / 2)));

    const logger = recordingLogger();
    const second = dir.open({ logger });
    expect(second.recovered).toBeUndefined();
    await vi.waitFor(() => expect(second.trouble?.code).toBe('HISTORY_DAMAGED'), { timeout: 20_000 });
    expect(second.trouble?.message).toContain('restart the bridge');
    expect(logger.warnings).toEqual([second.trouble?.message]);
    addSession(second, 's_late', { prompt: 'written in a damaged file', answer: 'a' });
    second.close();

    const third = dir.open();
    expect(third.recovered?.sessions).toBe(21);
    expect(third.read('s_late')?.turns[0]?.prompt).toBe('written in a damaged file');
    third.close();
    const fourth = dir.open();
    expect(fourth.recovered).toBeUndefined();
    expect(readdirSync(dirname(dir.file)).filter((name) => name.includes('suspect'))).toEqual([]);
  }, 60_000);

  it('that is large and whole is let alone', async () => {
    const first = dir.open();
    fillLarge(first);
    first.close();
    const logger = recordingLogger();
    const checked = Promise.withResolvers<string>();
    const store = dir.open({ logger });
    const check = checkBeside(dir.file, checked.resolve, () => checked.resolve('whole'));
    expect(await checked.promise).toBe('whole');
    check.dispose();
    expect(store.trouble).toBeUndefined();
    expect(logger.warnings).toEqual([]);
  }, 60_000);

  it('that shows itself while it is read is mended at the next start', () => {
    const first = dir.open();
    fillLarge(first);
    first.close();
    const bytes = readFileSync(dir.file);
    writeFileSync(dir.file, damaged(bytes, Math.floor(bytes.length / PAGE / 2)));
    // Nobody looks through it: only what is read shows the damage.
    const second = dir.openOn(Database.open(dir.file));
    for (let i = 0; i < 20 && second.trouble === undefined; i++) {
      try {
        second.read(`s_${i}`);
      } catch (error) {
        expect(error).toEqual(unavailable);
      }
    }
    expect(second.trouble?.code).toBe('HISTORY_DAMAGED');
    second.close();
    const third = dir.open();
    expect(third.recovered?.sessions).toBe(20);
  }, 60_000);

  it('from a newer version is left as it is', () => {
    dir.open().close();
    const raw = Database.open(dir.file);
    raw.exec('PRAGMA user_version = 99');
    raw.close();
    expect(() => dir.open()).toThrow(/newer Codex Bridge.*Update/);
    expect(() => dir.open()).toThrow(unavailable);
    expect(readdirSync(dirname(dir.file)).some((name) => name.includes('corrupt'))).toBe(false);
  });
});

describe('B7: a disk that refuses', () => {
  /** A history whose connection the test has too: SQLite can be told that there is no space for more pages. */
  function openSmall(): { store: History; setMaxPages(pages: number): void } {
    dir.open().close();
    const db = Database.open(dir.file);
    return {
      store: dir.openOn(db),
      setMaxPages: (pages) => db.exec(`PRAGMA max_page_count = ${pages}`),
    };
  }

  it('because it is full: nothing is changed, all can be read, and it goes on when there is space', () => {
    const { store, setMaxPages } = openSmall();
    const live = addSession(store, 's_1', { prompt: 'p', answer: 'a' });
    const before = live.snapshot;
    setMaxPages(1);
    const big = queuedTurn('t_big', 'x'.repeat(500_000));
    const queued = live.apply({ type: 'turn.queued', turn: big });
    expect(() => store.append(live.snapshot, queued)).toThrow(unavailable);
    expect(() => store.append(live.snapshot, queued)).toThrow(/disk is full.*Free space in/);
    expect(() => store.createSession(newSession('s_2', { title: 'x'.repeat(500_000) }))).toThrow(unavailable);
    expect(store.read('s_1')).toStrictEqual(before);
    expect(store.list({}).sessions.map(({ id }) => id)).toEqual(['s_1']);
    setMaxPages(1_000_000);
    store.append(live.snapshot, queued);
    expect(store.read('s_1')).toStrictEqual(live.snapshot);
  });

  it('in the middle of several appends: none of them is there', () => {
    const { store, setMaxPages } = openSmall();
    const one = addSession(store, 's_1', { prompt: 'p', answer: 'a' });
    const two = addSession(store, 's_2', { prompt: 'p', answer: 'a' });
    const before = [one.snapshot, two.snapshot];
    setMaxPages(1);
    const titled = one.apply({ type: 'session.titled', title: 'renamed' });
    const queued = two.apply({ type: 'turn.queued', turn: queuedTurn('t_big', 'x'.repeat(500_000)) });
    const both = () =>
      store.transaction(() => {
        store.append(one.snapshot, titled);
        store.append(two.snapshot, queued);
      });
    expect(both).toThrow(unavailable);
    expect([store.read('s_1'), store.read('s_2')]).toStrictEqual(before);
    setMaxPages(1_000_000);
    both();
    expect([store.read('s_1'), store.read('s_2')]).toStrictEqual([one.snapshot, two.snapshot]);
  });

  it('because another process holds the file', () => {
    const store = dir.open();
    const live = addSession(store, 's_1', { prompt: 'p', answer: 'a' });
    const before = live.snapshot;
    const other = Database.open(dir.file);
    try {
      other.exec('BEGIN IMMEDIATE');
      const titled = live.apply({ type: 'session.titled', title: 'renamed' });
      expect(() => store.append(live.snapshot, titled)).toThrow(/Another program holds/);
      expect(store.read('s_1')).toStrictEqual(before);
      other.exec('ROLLBACK');
      store.append(live.snapshot, titled);
      expect(store.read('s_1')).toStrictEqual(live.snapshot);
    } finally {
      other.close();
    }
  });

  it('because the directory is none', () => {
    writeFileSync(join(dir.path, 'plain'), '');
    const file = join(dir.path, 'plain', 'history.db');
    expect(() => dir.open({ file })).toThrow(unavailable);
    expect(() => dir.open({ file })).toThrow(/writable/);
    expect(existsSync(file)).toBe(false);
  });

  it('because the file is a directory', async () => {
    await mkdir(join(dir.path, 'state', basename(dir.file)), { recursive: true });
    expect(() => dir.open()).toThrow(unavailable);
  });
});
