import { english, type Translate } from './l10n.ts';

/**
 * What Codex, or an MCP server of Codex's, wants to know of a person: a form of a few fields. The card draws it,
 * the bridge checks the answers again before Codex gets them.
 */
export interface QuestionField {
  /** The asker's own, unique in its question. */
  readonly id: string;
  /** A word or two above the question. */
  readonly heading?: string;
  /** What is asked. */
  readonly label: string;
  readonly description?: string;
  readonly required: boolean;
  /** The answer is typed unseen, and kept nowhere. */
  readonly secret: boolean;
  readonly input: FieldInput;
}

export interface FieldOption {
  readonly value: string;
  readonly label: string;
  readonly description?: string;
}

/** `initial` is what the asker proposes. */
export type FieldInput =
  | {
      readonly kind: 'choice';
      readonly options: readonly FieldOption[];
      /** An answer in own words is as good. */
      readonly other: boolean;
      readonly initial?: string;
    }
  | {
      readonly kind: 'choices';
      readonly options: readonly FieldOption[];
      /** How many have to be chosen at least and at most. */
      readonly least?: number;
      readonly most?: number;
      readonly initial?: readonly string[];
    }
  | {
      readonly kind: 'text';
      readonly format?: 'email' | 'uri' | 'date' | 'date-time';
      /** In characters (Unicode code points), as JSON Schema counts. */
      readonly minLength?: number;
      readonly maxLength?: number;
      readonly initial?: string;
    }
  | {
      readonly kind: 'number';
      readonly integer: boolean;
      readonly minimum?: number;
      readonly maximum?: number;
      readonly initial?: number;
    }
  | { readonly kind: 'boolean'; readonly initial?: boolean };

export interface FieldAnswer {
  /** Of the field. */
  readonly id: string;
  readonly value: string | number | boolean | readonly string[];
}

/** What an answer says, for the transcript and the history. */
export interface AnswerRecord {
  readonly question: string;
  /** Absent where it is secret. */
  readonly answer?: string;
}

/** Why the answer to a field can't be taken. */
export interface FieldProblem {
  readonly id: string;
  readonly problem: string;
}

/** Every reason why these answers do not fit; none: they can be given. An empty text is no answer. */
export function problemsOf(
  fields: readonly QuestionField[],
  answers: readonly FieldAnswer[],
  t: Translate = english,
): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const known = new Set(fields.map(({ id }) => id));
  for (const { id } of answers) if (!known.has(id)) problems.push({ id, problem: t('Nobody asked this.') });
  for (const field of fields) {
    const given = answers.filter(({ id }) => id === field.id);
    const value = given[0]?.value;
    const problem =
      given.length > 1
        ? t('There are two answers.')
        : isEmpty(value)
          ? field.required
            ? t('An answer is needed.')
            : undefined
          : problemOf(field.input, value, t);
    if (problem !== undefined) problems.push({ id: field.id, problem });
  }
  return problems;
}

/** The answers that say something, in the order of the fields. */
export function givenAnswers(
  fields: readonly QuestionField[],
  answers: readonly FieldAnswer[],
): readonly FieldAnswer[] {
  return fields.flatMap((field) =>
    answers.filter(({ id, value }) => id === field.id && !isEmpty(value)).slice(0, 1),
  );
}

/** What the transcript keeps of the answers: never a secret. */
export function recordOf(
  fields: readonly QuestionField[],
  answers: readonly FieldAnswer[],
): readonly AnswerRecord[] {
  return fields.flatMap((field): readonly AnswerRecord[] => {
    const given = givenAnswers([field], answers)[0];
    if (given === undefined) return [];
    if (field.secret) return [{ question: field.label }];
    return [{ question: field.label, answer: inWords(field.input, given.value) }];
  });
}

function inWords(input: FieldInput, value: FieldAnswer['value']): string {
  const labelOf = (chosen: string) =>
    'options' in input ? (input.options.find((option) => option.value === chosen)?.label ?? chosen) : chosen;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? labelOf(value) : value.map(labelOf).join(', ');
}

function isEmpty(value: FieldAnswer['value'] | undefined): value is undefined {
  return value === undefined || value === '';
}

function problemOf(
  input: FieldInput,
  value: FieldAnswer['value'] | undefined,
  t: Translate,
): string | undefined {
  switch (input.kind) {
    case 'choice':
      if (typeof value !== 'string') return t('Choose one.');
      return input.other || isOption(input.options, value) ? undefined : t('Choose one of the options.');
    case 'choices':
      return choicesProblem(input, value, t);
    case 'text':
      return typeof value === 'string' ? textProblem(input, value, t) : t('Write a text.');
    case 'number':
      return numberProblem(input, value, t);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : t('Answer yes or no.');
  }
}

function isOption(options: readonly FieldOption[], value: string): boolean {
  return options.some((option) => option.value === value);
}

function choicesProblem(
  { options, least = 0, most = Number.POSITIVE_INFINITY }: Extract<FieldInput, { kind: 'choices' }>,
  value: unknown,
  t: Translate,
): string | undefined {
  if (!Array.isArray(value) || new Set(value).size !== value.length) return t('Choose some of the options.');
  if (!value.every((one) => isOption(options, one))) return t('Choose from the options.');
  if (value.length < least) return t('Choose at least {0}.', least);
  return value.length > most ? t('Choose at most {0}.', most) : undefined;
}

function numberProblem(
  { integer, minimum, maximum }: Extract<FieldInput, { kind: 'number' }>,
  value: unknown,
  t: Translate,
): string | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return t('Write a number.');
  if (integer && !Number.isInteger(value)) return t('Write a whole number.');
  if (minimum !== undefined && value < minimum) return t('Write {0} or more.', minimum);
  return maximum !== undefined && value > maximum ? t('Write {0} or less.', maximum) : undefined;
}

function textProblem(
  { format, minLength = 0, maxLength }: Extract<FieldInput, { kind: 'text' }>,
  value: string,
  t: Translate,
): string | undefined {
  const length = [...value].length;
  if (length < minLength) return t('Write at least {0} characters.', minLength);
  if (maxLength !== undefined && length > maxLength) return t('Write at most {0} characters.', maxLength);
  switch (format) {
    case undefined:
      return undefined;
    case 'email':
      return /^[^\s@]+@[^\s@]+$/.test(value)
        ? undefined
        : t('Write an e-mail address, such as me@example.com.');
    case 'uri':
      // RFC 3986, section 3: a scheme, then something without a space.
      return /^[a-z][a-z\d+.-]*:\S+$/i.test(value)
        ? undefined
        : t('Write a whole address, such as https://example.com.');
    case 'date':
      return isDate(value) ? undefined : t('Write a date as YYYY-MM-DD.');
    case 'date-time':
      return isDateTime(value) ? undefined : t('Write date and time as 2026-01-31T12:00:00Z.');
  }
}

/** RFC 3339, section 5.6: `full-date`; a 31st of February is none. */
function isDate(value: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}

/** RFC 3339, section 5.6: `date-time`. */
function isDateTime(value: string): boolean {
  const parts = /^(\d{4}-\d\d-\d\d)[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.exec(value);
  return parts?.[1] !== undefined && isDate(parts[1]) && !Number.isNaN(Date.parse(value.toUpperCase()));
}
