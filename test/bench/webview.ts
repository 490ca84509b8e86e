import type { Browser, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { itemOf, openChatPage, snapshot, turnOf } from '../support/chatPage.ts';
import type { Bench } from './bench.ts';
import { type Figure, median, quantile } from './figure.ts';

const DELTAS = 10_000;
const STREAM_MS = 10_000;
const ITEMS = 5_000;
const ROUNDS = 5;
const group = 'chat';

/** What the chat costs its page: a flood of text, and a session of thousands of items. */
export async function webview(bench: Bench): Promise<Figure[]> {
  const browser = await launchBrowser();
  bench.atEnd(() => browser.close());
  const page = await openChatPage(browser);
  const figures: Figure[] = [];
  for (const [name, pieces] of Object.entries(floods)) {
    let lost = 0;
    const tasks = await mainThreadTasks(browser, page, async () => {
      lost = await stream(page, pieces());
    });
    figures.push(taskFigure(group, `${DELTAS} deltas in 10 s, ${name}`, tasks), {
      group,
      name: `${DELTAS} deltas in 10 s, ${name}: lost`,
      value: (100 * lost) / DELTAS,
      unit: '%',
      most: 0,
    });
  }
  for (const [name, perTurn] of [
    ['in 500 turns', 10],
    ['in one turn', ITEMS],
  ] as const) {
    const opened: number[] = [];
    for (let round = 0; round < ROUNDS; round++) opened.push(await open(page, perTurn, `${name} ${round}`));
    figures.push({
      group,
      name: `${ITEMS} items ${name}: first paint`,
      value: median(opened),
      unit: 'ms',
      most: 300,
      note: `median of ${ROUNDS}`,
    });
    const tasks = await mainThreadTasks(browser, page, () => scrollToTop(page));
    figures.push(taskFigure(group, `${ITEMS} items ${name}: scrolling to the top`, tasks));
  }
  return figures;
}

/** Of its own work, not of what else the machine did meanwhile. */
export function taskFigure(group: string, what: string, tasks: readonly number[]): Figure {
  const longest = Math.max(...tasks);
  const long = tasks.filter((ms) => ms > 50).length;
  return {
    group,
    name: `${what}: main-thread task, p99`,
    value: quantile(tasks, 0.99),
    unit: 'ms',
    most: 50,
    note: `processor time; ${tasks.length} tasks, ${long} above 50 ms, the longest ${longest.toFixed(0)} ms`,
  };
}

interface TraceEvent {
  readonly name: string;
  readonly tid: number;
  readonly ph: string;
  /** Processor time of the thread, µs. */
  readonly tdur?: number;
}

/** Processor time of every task of the page's main thread while something is done, ms. */
export async function mainThreadTasks(
  browser: Browser,
  page: Page,
  action: () => Promise<unknown>,
): Promise<number[]> {
  await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline'] });
  await action();
  const trace = await browser.stopTracing();
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] }; // Chromium's own format
  const main = traceEvents.find(({ name }) => name === 'FunctionCall')?.tid;
  const tasks = traceEvents
    .filter(({ name, ph, tid }) => tid === main && ph === 'X' && name === 'ThreadControllerImpl::RunTask')
    .map(({ tdur = 0 }) => tdur / 1000);
  if (tasks.length === 0) throw new Error('the trace has no tasks of the main thread');
  return tasks;
}

/** The same number of deltas in different shapes. */
const floods: Record<string, () => string[]> = {
  markdown: () =>
    Array.from({ length: DELTAS }, (_, place) => {
      if (place % 200 === 199) return '\n\n```ts\nconst a = 1;\n```\n\n';
      return place % 40 === 39 ? '\n\n- ' : `word${place} `;
    }),
  'one paragraph': () => Array.from({ length: DELTAS }, (_, place) => `word${place} `),
  'one block of code': () =>
    Array.from({ length: DELTAS }, (_, place) =>
      place === 0 ? '```ts\n' : place % 8 === 0 ? '\n' : `const w${place} = 1; `,
    ),
};

/** @returns how many of the words are not on the page at the end */
async function stream(page: Page, pieces: string[]): Promise<number> {
  const item = {
    id: 'a',
    type: 'agent_message' as const,
    status: 'running' as const,
    startedAt: 0,
    text: '',
  };
  const session = snapshot([turnOf('live', [item], { status: 'running' })], `stream ${pieces[0]}`);
  return page.evaluate(
    async ({ session: shown, list, ms }) => {
      const send = (message: unknown) => window.postMessage(message, '*');
      send({ event: 'session', data: { session: shown } });
      const began = performance.now();
      let sent = 0;
      await new Promise<void>((resolve) => {
        const timer = setInterval(() => {
          const due = Math.min(list.length, Math.ceil(((performance.now() - began) / ms) * list.length));
          for (; sent < due; sent++) {
            const event = { type: 'item.delta', turn: 'live', item: 'a', field: 'text', text: list[sent] };
            send({ event: 'event', data: { session: shown.id, seq: sent + 1, event } });
          }
          if (sent < list.length) return;
          clearInterval(timer);
          resolve();
        }, 1);
      });
      const words = (from: string) => from.match(/w(?:ord)?\d+/g)?.length ?? 0;
      const wanted = words(list.join(''));
      const lost = () => wanted - words(document.querySelector('.answer')?.textContent ?? '');
      for (let frame = 0; frame < 120 && lost() > 0; frame++) {
        await new Promise<void>((resolve) => requestAnimationFrame(() => resolve()));
      }
      return lost();
    },
    { session, list: pieces, ms: STREAM_MS },
  );
}

/** From the message with the session to the frame that shows it, ms. */
async function open(page: Page, perTurn: number, id: string): Promise<number> {
  const turns = Array.from({ length: ITEMS / perTurn }, (_, turn) =>
    turnOf(
      `${id} ${turn}`,
      Array.from({ length: perTurn }, (_item, place) => itemOf(turn * perTurn + place)),
    ),
  );
  return page.evaluate(
    async (session) => {
      const send = (message: unknown) => window.postMessage(message, '*');
      const drawn = () => document.querySelector(`[data-turn^="${session.id}"]`) !== null;
      send({ event: 'session', data: { session: null } });
      await new Promise<void>((resolve) => setTimeout(resolve, 200));
      const began = performance.now();
      send({ event: 'session', data: { session } });
      while (!drawn()) await new Promise<void>((resolve) => requestAnimationFrame(() => resolve()));
      // The frame is painted when the next task runs.
      await new Promise<void>((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => resolve();
        requestAnimationFrame(() => port2.postMessage(null));
      });
      return performance.now() - began;
    },
    snapshot(turns, id),
  );
}

async function scrollToTop(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const scroller = document.querySelector('.transcript');
    if (scroller === null) throw new Error('no transcript');
    let still = 0;
    for (let steps = 0; steps < 3_000 && still < 10; steps++) {
      scroller.scrollTop -= 700;
      await new Promise<void>((resolve) => requestAnimationFrame(() => resolve()));
      const atTop = scroller.scrollTop === 0 && document.querySelector('.earlier') === null;
      still = atTop ? still + 1 : 0;
    }
    if (still < 10) throw new Error('the top was not reached');
  });
}
