import { useEffect, useRef } from 'preact/hooks';
import type { FieldAnswer, FieldInput, QuestionField } from '../../src/shared/questions.ts';
import { t } from '../l10n.ts';

/** What the person has put in so far; text of a number field is kept as it was typed. */
export type Drafts = Readonly<Record<string, Draft>>;

export interface Draft {
  readonly value: FieldAnswer['value'] | undefined;
  /** Of a choice: an answer in own words is wanted. */
  readonly other: boolean;
}

const NOTHING: Draft = { value: undefined, other: false };

export function firstDrafts(fields: readonly QuestionField[]): Drafts {
  return Object.fromEntries(
    fields.map(({ id, input }) => [
      id,
      { value: input.kind === 'boolean' ? (input.initial ?? false) : input.initial, other: false },
    ]),
  );
}

export function answersOf(fields: readonly QuestionField[], drafts: Drafts): FieldAnswer[] {
  return fields.flatMap(({ id, input }) => {
    const { value } = drafts[id] ?? NOTHING;
    if (value === undefined || value === '') return [];
    // What is no number stays a text, and is refused as one.
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
    return [{ id, value: input.kind === 'number' && !Number.isNaN(number) ? number : value }];
  });
}

/** The id of a field's first input in the document. */
export function inputId(field: number): string {
  return `question-${field}`;
}

interface FieldProps {
  readonly field: QuestionField;
  readonly place: number;
  readonly draft: Draft | undefined;
  readonly problem: string | undefined;
  readonly onDraft: (draft: Draft) => void;
}

/** One question: options to choose from, a text, a number, or a yes. */
export function Field({ field, place, draft = NOTHING, problem, onDraft }: FieldProps) {
  const id = inputId(place);
  const described = [
    ...(field.description === undefined ? [] : [`${id}-description`]),
    ...(problem === undefined ? [] : [`${id}-problem`]),
  ].join(' ');
  const about = {
    ...(described === '' ? {} : { 'aria-describedby': described }),
    'aria-invalid': problem !== undefined,
  };
  const label = (
    <>
      {field.heading !== undefined && <span class="heading">{field.heading}: </span>}
      {field.label}
      {!field.required && field.input.kind !== 'boolean' && <span class="muted"> {t('(optional)')}</span>}
    </>
  );
  const below = (
    <>
      {field.description !== undefined && (
        <span class="description" id={`${id}-description`}>
          {field.description}
        </span>
      )}
      {problem !== undefined && (
        <span class="problem-text" id={`${id}-problem`} role="alert">
          {problem}
        </span>
      )}
    </>
  );
  const { input } = field;
  const props: InputProps = { id, field, draft, about, onDraft };
  if (input.kind === 'choice' || input.kind === 'choices') {
    return (
      <fieldset class="field" {...about}>
        <legend>{label}</legend>
        {below}
        <Options {...props} input={input} />
      </fieldset>
    );
  }
  if (input.kind === 'boolean') {
    return (
      <div class="field">
        <label class="option">
          <input
            type="checkbox"
            id={id}
            {...about}
            checked={draft.value === true}
            onChange={(event) => onDraft({ value: event.currentTarget.checked, other: false })}
          />
          <span>{label}</span>
        </label>
        {below}
      </div>
    );
  }
  return (
    <div class="field">
      <label class="label" for={id}>
        {label}
      </label>
      {below}
      <TextInput {...props} />
    </div>
  );
}

interface InputProps {
  readonly id: string;
  readonly field: QuestionField;
  readonly draft: Draft;
  readonly about: { readonly 'aria-describedby'?: string; readonly 'aria-invalid': boolean };
  readonly onDraft: (draft: Draft) => void;
}

function Options({
  id,
  field,
  draft,
  onDraft,
  input,
}: InputProps & { input: Extract<FieldInput, { kind: 'choice' | 'choices' }> }) {
  const many = input.kind === 'choices';
  const chosen = Array.isArray(draft.value) ? draft.value : [];
  const isChosen = (value: string) => (many ? chosen.includes(value) : !draft.other && draft.value === value);
  const choose = (value: string, on: boolean) => {
    if (!many) onDraft({ value, other: false });
    else onDraft({ value: [...chosen.filter((one) => one !== value), ...(on ? [value] : [])], other: false });
  };
  return (
    <>
      {input.options.map(({ value, label, description }, place) => (
        <label key={value} class="option">
          <input
            type={many ? 'checkbox' : 'radio'}
            id={place === 0 ? id : undefined}
            name={id}
            checked={isChosen(value)}
            onChange={(event) => choose(value, event.currentTarget.checked)}
          />
          <span>
            {label}
            {description !== undefined && <span class="description">{description}</span>}
          </span>
        </label>
      ))}
      {!many && input.other && (
        <>
          <label class="option">
            <input
              type="radio"
              name={id}
              checked={draft.other}
              onChange={() => onDraft({ value: '', other: true })}
            />
            <span>{t('Something else')}</span>
          </label>
          {draft.other && (
            <Words
              secret={field.secret}
              reveal
              aria-label={t('Your answer')}
              value={String(draft.value ?? '')}
              onText={(text) => onDraft({ value: text, other: true })}
            />
          )}
        </>
      )}
    </>
  );
}

function TextInput({ id, field, draft, about, onDraft }: InputProps) {
  return (
    <Words
      // Not of the number's own type: it keeps what is no number to itself, and nothing could be said about it.
      inputMode={field.input.kind === 'number' ? 'decimal' : 'text'}
      secret={field.secret}
      id={id}
      {...about}
      value={String(draft.value ?? '')}
      onText={(text) => onDraft({ value: text, other: false })}
    />
  );
}

interface WordsProps {
  readonly secret: boolean;
  /** Brought into view as soon as it is there. */
  readonly reveal?: boolean;
  readonly value: string;
  readonly onText: (text: string) => void;
  readonly id?: string;
  readonly inputMode?: 'decimal' | 'text';
  readonly 'aria-label'?: string;
  readonly 'aria-describedby'?: string;
  readonly 'aria-invalid'?: boolean;
}

function Words({ secret, reveal = false, onText, ...rest }: WordsProps) {
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (reveal) ref.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  const props = {
    ...rest,
    ref,
    autoComplete: 'off',
    onInput: (event: { currentTarget: HTMLInputElement }) => onText(event.currentTarget.value),
  };
  return secret ? <input type="password" {...props} /> : <input type="text" {...props} />;
}
