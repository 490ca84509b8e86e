import { describe, expect, test } from 'vitest';
import {
  type FieldAnswer,
  type FieldInput,
  givenAnswers,
  problemsOf,
  type QuestionField,
  recordOf,
} from '../../src/shared/questions.ts';

function field(input: FieldInput, more: Partial<QuestionField> = {}): QuestionField {
  return { id: 'f', label: 'F?', required: true, secret: false, input, ...more };
}

const OPTIONS = [
  { value: 'r', label: 'Red' },
  { value: 'b', label: 'Blue' },
];

describe('an answer fits', () => {
  const cases: readonly [FieldInput, readonly FieldAnswer['value'][], readonly FieldAnswer['value'][]][] = [
    [{ kind: 'choice', options: OPTIONS, other: false }, ['r'], ['Red', '', 1, ['r']]],
    [{ kind: 'choice', options: OPTIONS, other: true }, ['r', 'green'], ['', true]],
    [{ kind: 'choices', options: OPTIONS }, [[], ['r', 'b']], ['r', ['x'], ['r', 'r']]],
    [{ kind: 'choices', options: OPTIONS, least: 1, most: 1 }, [['b']], [[], ['r', 'b']]],
    [{ kind: 'text' }, ['a', ' '], ['', 1, false, ['a']]],
    [{ kind: 'text', minLength: 2, maxLength: 3 }, ['ab', '\u{1f41f}\u{1f41f}\u{1f41f}'], ['a', 'abcd']],
    [{ kind: 'text', format: 'email' }, ['me@example.com'], ['me', 'a b@c']],
    [{ kind: 'text', format: 'uri' }, ['https://example.com/a', 'urn:a:b'], ['example.com', 'https://a b']],
    [{ kind: 'text', format: 'date' }, ['2024-02-29'], ['2023-02-29', '1.2.2024', '2024-2-1']],
    [
      { kind: 'text', format: 'date-time' },
      ['2026-01-31T12:00:00Z', '2026-01-31t12:00:00.5+02:00'],
      ['2026-01-31', '2026-02-30T12:00:00Z', '2026-01-31T25:00:00Z', '2026-01-31T12:00:00'],
    ],
    [{ kind: 'number', integer: false }, [0, -1.5], ['1', Number.NaN, Number.POSITIVE_INFINITY]],
    [{ kind: 'number', integer: true, minimum: 1, maximum: 3 }, [1, 3], [0, 4, 1.5]],
    [{ kind: 'boolean' }, [true, false], ['true', 1]],
  ];

  test.each(cases)('%j', (input, good, bad) => {
    for (const value of good) expect(problemsOf([field(input)], [{ id: 'f', value }])).toEqual([]);
    for (const value of bad) {
      expect(problemsOf([field(input)], [{ id: 'f', value }])).toEqual([
        { id: 'f', problem: expect.stringMatching(/\.$/) },
      ]);
    }
  });

  test('only where it is needed it has to be there', () => {
    const fields = [field({ kind: 'text' }), field({ kind: 'text' }, { id: 'g', required: false })];
    expect(problemsOf(fields, [])).toEqual([{ id: 'f', problem: 'An answer is needed.' }]);
    expect(problemsOf(fields, [{ id: 'f', value: 'x' }])).toEqual([]);
  });

  test('to a field that is there, and once', () => {
    const twice = [
      { id: 'f', value: 'x' },
      { id: 'f', value: 'y' },
    ];
    expect(problemsOf([field({ kind: 'text' })], twice)).toMatchObject([{ id: 'f' }]);
    expect(problemsOf([], [{ id: '__proto__', value: 'x' }])).toMatchObject([{ id: '__proto__' }]);
  });
});

test('what says nothing is not given', () => {
  const fields = [field({ kind: 'text' }), field({ kind: 'boolean' }, { id: 'g' })];
  const answers = [
    { id: 'g', value: false },
    { id: 'f', value: '' },
  ];
  expect(givenAnswers(fields, answers)).toEqual([{ id: 'g', value: false }]);
});

test('the record has words, and no secret', () => {
  const fields = [
    field({ kind: 'choice', options: OPTIONS, other: true }, { id: 'a', label: 'A?' }),
    field({ kind: 'choices', options: OPTIONS }, { id: 'b', label: 'B?' }),
    field({ kind: 'boolean' }, { id: 'c', label: 'C?' }),
    field({ kind: 'number', integer: true }, { id: 'd', label: 'D?' }),
    field({ kind: 'text' }, { id: 'e', label: 'E?', secret: true }),
    field({ kind: 'text' }, { id: 'g', label: 'G?' }),
  ];
  const answers = [
    { id: 'a', value: 'r' },
    { id: 'b', value: ['r', 'b'] },
    { id: 'c', value: false },
    { id: 'd', value: 3 },
    { id: 'e', value: 'hunter2' },
  ];
  expect(recordOf(fields, answers)).toEqual([
    { question: 'A?', answer: 'Red' },
    { question: 'B?', answer: 'Red, Blue' },
    { question: 'C?', answer: 'no' },
    { question: 'D?', answer: '3' },
    { question: 'E?' },
  ]);
});
