import { describe, expect, it } from 'vitest';
import type { SessionEvent } from '../../src/shared/events.ts';
import type { Item, SessionSnapshot, TurnSnapshot } from '../../src/shared/session.ts';
import { Oracle } from '../support/oracle.ts';
import { ModelTally, RULES } from '../support/oracleChecks.ts';
import { queuedTurn, sessionWith } from './support/sessions.ts';

const message = (text: string, more: Partial<Item> = {}): Item =>
  // `more` is of the same kind of item.
  ({ id: 'i', type: 'agent_message', status: 'completed', startedAt: 1, text, ...more }) as Item;

const turn = (id: string, more: Partial<TurnSnapshot> = {}): TurnSnapshot =>
  queuedTurn(id, { prompt: `prompt of ${id}`, status: 'completed', items: [message('Hello you')], ...more });

const stored = (...turns: TurnSnapshot[]): SessionSnapshot => ({ ...sessionWith(turns), seq: 9 });

type Asked = Parameters<ModelTally['add']>[0];

const asks = (...prompts: string[]): Asked => ({
  prompts,
  prompt: prompts.at(-1) ?? '',
  startsTurn: true,
});

/** A face that prompted, saw the turn stream and end, and a client that was told the end, too. */
function afterOneTurn(): { oracle: Oracle; history: SessionSnapshot[]; model: { requests: Asked[] } } {
  const oracle = new Oracle();
  oracle.sent('prompt of t1');
  oracle.opened('window', sessionWith());
  oracle.acknowledged('window', { session: 's_test', turn: 't1', prompt: 'prompt of t1' });
  const events: SessionEvent[] = [
    { type: 'turn.queued', turn: queuedTurn('t1', { prompt: 'prompt of t1' }) },
    { type: 'turn.started', turn: 't1', at: 2 },
    { type: 'item.started', turn: 't1', item: message('', { status: 'running' }) },
    { type: 'item.delta', turn: 't1', item: 'i', field: 'text', text: 'Hello ' },
    { type: 'item.completed', turn: 't1', item: message('Hello you') },
    { type: 'turn.ended', turn: 't1', at: 3, status: 'completed' },
  ];
  for (const [index, event] of events.entries()) oracle.told('window', 's_test', { seq: index + 1, event });
  oracle.ended('client', 't1', 'completed');
  oracle.answered('t1', 'Hello');
  return { oracle, history: [stored(turn('t1'))], model: { requests: [asks('prompt of t1')] } };
}

type Scene = ReturnType<typeof afterOneTurn>;

/** One planted fault each, and how it is told. */
const faults: [name: string, plant: (scene: Scene) => void, told: RegExp][] = [
  [
    'an acknowledged prompt is not in the history',
    ({ history }) => history.splice(0),
    /turn t1 of s_test was acknowledged \("prompt of t1"\) and is not in the history/,
  ],
  [
    'a prompt is in the history twice',
    ({ history }) => history.splice(0, 1, stored(turn('t1'), turn('t2', { prompt: 'prompt of t1' }))),
    /"prompt of t1" was sent once and is in the history 2 times: t1, t2/,
  ],
  [
    'a turn is in two sessions',
    ({ history }) => history.push({ ...stored(turn('t1')), id: 's_other', forkedFrom: 's_test' }),
    /turn t1 is in the history twice: in s_test and in s_other/,
  ],
  [
    'a turn is in another session than it was acknowledged in',
    ({ history }) => history.splice(0, 1, { ...stored(turn('t1')), id: 's_other' }),
    /turn t1 was acknowledged in s_test and is stored in s_other/,
  ],
  [
    'a turn has another prompt than was acknowledged',
    ({ history }) => history.splice(0, 1, stored(turn('t1', { prompt: 'else' }))),
    /turn t1 was acknowledged as "prompt of t1" and is stored as "else"/,
  ],
  [
    'one turn for two prompts',
    ({ oracle }) => oracle.acknowledged('client', { session: 's_test', turn: 't1', prompt: 'else' }),
    /turn t1 is the answer to two prompts: "prompt of t1" and "else" of client/,
  ],
  [
    'a deleted session is still there',
    ({ oracle }) => oracle.deleted('s_test'),
    /session s_test was deleted and is in the history/,
  ],
  [
    'the model was asked twice',
    ({ model }) => model.requests.splice(0, 1, asks('prompt of t1'), asks('prompt of t1')),
    /the model was asked "prompt of t1" 2 times; it was sent once/,
  ],
  [
    'the model has a prompt twice in one context',
    ({ model }) => model.requests.splice(0, 1, asks('prompt of t1', 'prompt of t1')),
    /one context of the model's has "prompt of t1" 2 times; it was sent once/,
  ],
  [
    'the model was asked what is not in the history',
    ({ oracle, model }) => {
      oracle.sent('more');
      model.requests.splice(0, 1, asks('prompt of t1'), asks('more'));
    },
    /the model was asked "more", which is not in the history/,
  ],
  [
    'a turn is completed without the model',
    ({ model }) => model.requests.splice(0, 1),
    /turn t1 is completed, and the model never saw "prompt of t1"/,
  ],
  [
    'a turn has no end',
    ({ oracle, history }) => {
      oracle.sent('prompt of t2');
      history.splice(0, 1, stored(turn('t1'), turn('t2', { status: 'running' })));
    },
    /turn t2 \("prompt of t2"\) has no end: it is stored as running$/,
  ],
  [
    'an end that was told is not stored',
    ({ history }) => history.splice(0, 1, stored(turn('t1', { status: 'running' }))),
    /turn t1 .* is stored as running; window was told completed/,
  ],
  [
    'another end is stored than was told',
    ({ history }) => history.splice(0, 1, stored(turn('t1', { status: 'interrupted' }))),
    /turn t1 .* is stored as interrupted; window was told completed/,
  ],
  [
    'two observers were told two ends',
    ({ oracle }) => oracle.ended('cli', 't1', 'cancelled'),
    /turn t1 has two ends: completed for window, cancelled for cli/,
  ],
  [
    'one observer was told two ends',
    ({ oracle }) =>
      oracle.told('window', 's_test', {
        seq: 7,
        event: { type: 'turn.ended', turn: 't1', at: 4, status: 'completed' },
      }),
    /window was told two ends of turn t1/,
  ],
  [
    'an event is missing',
    ({ oracle }) =>
      oracle.told('window', 's_test', { seq: 8, event: { type: 'session.titled', title: 'x' } }),
    /window was told event 8 of s_test after event 6/,
  ],
  [
    'less is stored than was shown',
    ({ history }) => history.splice(0, 1, stored(turn('t1', { items: [message('Hello ')] }))),
    /agent_message i \(text\) of turn t1: "Hello you" was shown, stored is "Hello "/,
  ],
  [
    'an item that was shown is not stored',
    ({ history }) => history.splice(0, 1, stored(turn('t1', { items: [] }))),
    /item i of turn t1 was shown and is not stored/,
  ],
  [
    'an answer that a client was shown is not stored',
    ({ oracle }) => oracle.answered('t1', 'Good day'),
    /the answer of turn t1: "Good day" was shown, stored is "Hello you"/,
  ],
  [
    'text that was shown has changed',
    ({ oracle }) => oracle.opened('other window', stored(turn('t1', { items: [message('Adieu')] }))),
    /other window was shown "Adieu" where "Hello you" was shown before/,
  ],
];

describe('the oracle', () => {
  it('is content where nothing was lost', () => {
    const { oracle, history, model } = afterOneTurn();
    const { violations, rules } = oracle.verdict(history, ModelTally.of(model.requests));
    expect(violations).toEqual([]);
    expect(Object.keys(RULES)).toEqual(Object.keys(rules));
    for (const { checks, broken } of Object.values(rules)) expect([checks > 0, broken]).toEqual([true, []]);
    expect(oracle.prompts).toBe(1);
  });

  it.each(faults)('tells that %s', (_name, plant, told) => {
    const scene = afterOneTurn();
    plant(scene);
    const { violations } = scene.oracle.verdict(scene.history, ModelTally.of(scene.model.requests));
    expect(violations).toContainEqual(expect.stringMatching(told));
  });

  it('allows what may be: repeated requests, forks, imports, deleted sessions, refusals, what may wait', () => {
    const { oracle, history, model } = afterOneTurn();
    // The same request again, with its key; one whose answer never came; one that was refused.
    oracle.sent('again', 'key');
    oracle.sent('again', 'key');
    oracle.sent('nobody knows');
    oracle.sent('refused')();
    oracle.mayWait('t3');
    history.push(
      { ...stored(turn('t2', { prompt: 'again' }), turn('t3', { status: 'queued' })), id: 's_two' },
      { ...stored(turn('f1', { prompt: 'again' })), id: 's_fork', forkedFrom: 's_two' },
      { ...stored(turn('i1', { prompt: 'again' })), id: 's_import' },
    );
    oracle.copied('s_import');
    oracle.acknowledged('cli', { session: 's_gone', turn: 't9', prompt: 'gone' });
    oracle.deleted('s_gone', 'perhaps');
    const requests = [...model.requests, asks('again\nan attachment')];
    expect(oracle.verdict(history, ModelTally.of(requests)).violations).toEqual([]);
  });

  it('of a command, the first bytes may come at its end only; nothing else may change', () => {
    const output = (text: string): TurnSnapshot => {
      const command = { type: 'command', command: 'c', cwd: '/', output: text, omitted: 0 } as const;
      return turn('t1', { items: [{ ...command, id: 'c', status: 'completed', startedAt: 1 }] });
    };
    const seen = (text: string) => {
      const oracle = new Oracle();
      oracle.opened('window', stored(output('2\n3\n')));
      return oracle.verdict([stored(output(text))]).violations;
    };
    expect(seen('1\n2\n3\n')).toEqual([]);
    expect(seen('1\n2\n')).toEqual([
      'command c (output) of turn t1: "2\\n3\\n" was shown, stored is "1\\n2\\n"',
    ]);
  });

  it('a prompt that was refused and is there all the same is told', () => {
    const { oracle } = afterOneTurn();
    oracle.sent('refused')();
    const history = [stored(turn('t1'), turn('t2', { prompt: 'refused' }))];
    expect(oracle.verdict(history).violations).toEqual([
      '"refused" was sent 0 times and is in the history once: t2',
    ]);
  });

  it('an observer that comes back begins with its snapshot, and hears what came before its answer', () => {
    const { oracle, history } = afterOneTurn();
    oracle.left('window');
    const event: SessionEvent = { type: 'session.titled', title: 'x' };
    // The answer of `session.open` and the first events may be read in one go.
    oracle.told('window', 's_test', { seq: 9, event });
    oracle.told('window', 's_test', { seq: 10, event });
    oracle.opened('window', stored(turn('t1')));
    oracle.told('window', 's_test', { seq: 11, event });
    expect(oracle.verdict(history).violations).toEqual([]);
    oracle.told('window', 's_test', { seq: 11, event });
    expect(oracle.seenWrong).toEqual(['window was told event 11 of s_test after event 11']);
  });
});
