import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { hasEnded, type SessionSummary, type TurnId } from '../../src/shared/session.ts';
import { verdictOf } from '../support/nothingLost.ts';
import { RULES, type Rule } from '../support/oracleChecks.ts';
import { processesOf } from '../support/processFamily.ts';
import { SoakClient } from './client.ts';
import { doFault } from './faults.ts';
import { MemoryLog } from './memory.ts';
import { type PlannedFault, planFaults } from './plan.ts';
import { SoakWindow } from './window.ts';
import { World } from './world.ts';

const WINDOWS = 3;
const MINUTE_MS = 60_000;
const SAMPLE_MS = 5_000;
/** After the last fault every turn ends by itself within this time, in ms. */
const DRAIN_MS = 60_000;
/** A fault that takes longer than this is a hang, in ms. */
const FAULT_MS = 60_000;

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: string;
  readonly sessions: number;
  readonly clients: number;
}

/** One thing that held, or did not. */
export interface SoakCheck {
  readonly name: string;
  readonly problems: readonly string[];
}

export interface SoakReport extends SoakOptions {
  readonly checks: readonly SoakCheck[];
  readonly totals: Readonly<Record<string, number>>;
  /** In MB. */
  readonly memory: { readonly tenthMinute?: number; readonly end?: number; readonly most?: number };
  /** From connecting to the first session's snapshot, of windows that came back, in ms. */
  readonly joins: { readonly p50: number; readonly p95: number; readonly most: number };
  /** The bridge's log, where something did not hold. */
  readonly log?: string;
}

/** Many sessions, windows and clients on one bridge, a fault every five seconds, and the oracle at the end. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { minutes, seed, clients } = options;
  const world = await World.open(options.sessions);
  try {
    for (let n = 0; n < WINDOWS; n++) world.windows.push(new SoakWindow(world, `window${n}`, seed));
    for (const window of world.windows) await window.join();
    const started = performance.now();
    const memory = new MemoryLog();
    const sampler = setInterval(() => memory.sample(performance.now() - started, world.bridge), SAMPLE_MS);
    const actors = [
      ...world.windows,
      ...Array.from({ length: clients }, (_, index) => new SoakClient(world, index, seed)),
    ].map((actor) => actor.run());
    const late = await inflict(world, planFaults(seed, minutes), started);
    await delay(Math.max(0, minutes * MINUTE_MS - (performance.now() - started)));
    world.stopping = true;
    await Promise.all(actors);
    const stuck = await drain(world);
    // Everything is quiet: what the bridge still holds it keeps.
    for (let n = 0; n < 5; n++) {
      await delay(1_000);
      memory.sample(performance.now() - started, world.bridge);
    }
    const { holds, ...figures } = memory.report(performance.now() - started);
    clearInterval(sampler);
    await end(world);
    const { findings, left } = await verdictOf(world.oracle, {
      stateDir: world.stateDir,
      codexHome: world.codex.home,
      folders: world.folders,
      model: world.tally,
    });
    const grown = `${figures.tenthMinute?.toFixed()} MB at minute 10, ${figures.end?.toFixed()} MB at the end`;
    const checks: SoakCheck[] = [
      // The oracle's own rules.
      ...(Object.keys(RULES) as Rule[]).map((rule) => ({
        name: `${RULES[rule]} (${findings.rules[rule].checks} times looked at)`,
        problems:
          findings.rules[rule].checks === 0 ? ['it was never looked at'] : findings.rules[rule].broken,
      })),
      { name: 'nothing is left behind', problems: left },
      { name: 'every turn ends by itself', problems: stuck },
      { name: 'every request is answered, as it may be', problems: world.problems },
      { name: 'every fault was done', problems: late },
      ...(holds === undefined
        ? []
        : [
            {
              name: "the bridge's memory stays as it was in the tenth minute",
              problems: holds ? [] : [grown],
            },
          ]),
    ];
    const log = checks.some(({ problems }) => problems.length > 0) ? keepLog(world, seed) : undefined;
    return {
      ...options,
      checks,
      totals: {
        'prompts acknowledged': world.oracle.prompts,
        ...Object.fromEntries([...world.counts].sort()),
      },
      memory: figures,
      joins: quantiles(world.joins),
      ...(log === undefined ? {} : { log }),
    };
  } finally {
    await close(world);
  }
}

/** Does every fault at its time; those that could not be done come back. */
async function inflict(world: World, plan: readonly PlannedFault[], started: number): Promise<string[]> {
  const failed: string[] = [];
  const running = new Set<Promise<void>>();
  for (const { at, fault, seed } of plan) {
    await delay(Math.max(0, at - (performance.now() - started)));
    world.count(`fault: ${fault}`);
    const timer = new AbortController();
    const hang = delay(FAULT_MS, undefined, { signal: timer.signal }).then(
      () => void failed.push(`${fault} at ${at / 1000} s was not done after ${FAULT_MS / 1000} s`),
      () => {},
    );
    const done = doFault(world, fault, seed).catch((error: unknown) =>
      world.refused('a fault', fault, error),
    );
    const one = Promise.race([done, hang]).finally(() => {
      timer.abort();
      running.delete(one);
    });
    running.add(one);
  }
  await Promise.all(running);
  return failed;
}

/** Waits for the end of all turns; what only a cancel ends, or nobody has decided about, is cancelled. */
async function drain(world: World): Promise<string[]> {
  const [window] = world.windows;
  if (window === undefined) return [];
  const deadline = performance.now() + DRAIN_MS;
  const cancelled = new Set<TurnId>();
  for (;;) {
    const open = await unended(world, window);
    for (const { session, turn, prompt, held } of open) {
      if (cancelled.has(turn) || !(held || prompt.startsWith('!stall'))) continue;
      cancelled.add(turn);
      if (held) world.count('prompts that were held to the end, and discarded');
      await window.request('session.cancel', { session, turn });
    }
    if (open.length === 0) return [];
    if (performance.now() > deadline) {
      for (const { session } of open) await window.request('session.cancel', { session });
      return open.map(
        ({ turn, session, status, prompt, held }) =>
          `turn ${turn} of ${session} is ${held ? 'held' : status}: ${prompt}`,
      );
    }
    await delay(500);
  }
}

async function unended(world: World, window: SoakWindow) {
  const found: { session: string; turn: TurnId; status: string; prompt: string; held: boolean }[] = [];
  const { folders } = await window.request('status', {});
  for (const { key: folder } of folders) {
    for (const archived of [false, true]) {
      for (const { id: session, state, held = 0 } of await allSessions(window, folder, archived)) {
        if ((state === 'idle' || state === 'failed') && held === 0) continue;
        const { turns } = await window.request('session.open', { session });
        await window.request('session.close', { session });
        for (const { id: turn, status, prompt, held = false } of turns) {
          if (!hasEnded(status)) found.push({ session, turn, status, prompt, held });
        }
      }
    }
  }
  world.count('looks for turns without an end');
  return found;
}

/** All pages: in an hour there are thousands, and a prompt may be held in any of them. */
async function allSessions(window: SoakWindow, folder: string, archived: boolean): Promise<SessionSummary[]> {
  const all: SessionSummary[] = [];
  for (let cursor: string | undefined; ; ) {
    const more = cursor === undefined ? {} : { cursor };
    const page = await window.request('session.list', { folder, archived, limit: 500, ...more });
    all.push(...page.sessions);
    cursor = page.cursor;
    if (cursor === undefined) return all;
  }
}

async function end(world: World): Promise<void> {
  const [window] = world.windows;
  await window?.request('stop', { now: true });
  for (const one of world.windows) one.drop();
}

/** Whatever happened: no process stays. */
async function close(world: World): Promise<void> {
  for (const window of world.windows) window.drop();
  for (const pid of processesOf({ stateDir: world.stateDir, codexHome: world.codex.home })) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
  await world.model.close();
  await world.dir.dispose();
}

function keepLog(world: World, seed: string): string | undefined {
  const log = join(world.stateDir, 'logs', 'bridge.log');
  if (!existsSync(log)) return undefined;
  const folder = fileURLToPath(new URL('../../test-results', import.meta.url));
  const kept = join(folder, `soak-${seed}.log`);
  mkdirSync(folder, { recursive: true });
  cpSync(log, kept);
  return kept;
}

function quantiles(times: readonly number[]): SoakReport['joins'] {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { p50: at(0.5), p95: at(0.95), most: at(1) };
}
