import * as z from 'zod/mini';
import type { FieldAnswer, FieldInput, FieldOption, QuestionField } from '../../shared/questions.ts';
import type { Approval } from '../../shared/session.ts';
import type { McpServerElicitationRequestParams } from './generated/v2/McpServerElicitationRequestParams.ts';
import type { McpServerElicitationRequestResponse } from './generated/v2/McpServerElicitationRequestResponse.ts';
import type { ToolRequestUserInputParams } from './generated/v2/ToolRequestUserInputParams.ts';
import type { ToolRequestUserInputQuestion } from './generated/v2/ToolRequestUserInputQuestion.ts';
import type { ToolRequestUserInputResponse } from './generated/v2/ToolRequestUserInputResponse.ts';

type Question = Extract<Approval['request'], { kind: 'question' }>;

/** The model's own questions (`item/tool/requestUserInput`). */
export function userInputQuestion({ questions }: ToolRequestUserInputParams): Question {
  const text = questions.map(({ header, question, options }) =>
    [header, question, ...(options ?? []).map((option) => `- ${option.label}: ${option.description}`)]
      .filter((line) => line !== '')
      .join('\n'),
  );
  return {
    kind: 'question',
    text: text.join('\n\n'),
    // One alone is answered or declined; of several, the model gets those that are.
    fields: questions.map((question) => userInputField(question, questions.length === 1)),
  };
}

function userInputField(
  { id, header, question, options, isOther, isSecret }: ToolRequestUserInputQuestion,
  required: boolean,
): QuestionField {
  const input: FieldInput =
    options === null || options.length === 0
      ? { kind: 'text' }
      : {
          kind: 'choice',
          options: options.map(({ label, description }) => option(label, label, description)),
          other: isOther,
        };
  return {
    id,
    ...(header === '' || question === '' ? {} : { heading: header }),
    label: question === '' ? header : question,
    required,
    secret: isSecret,
    input,
  };
}

/** Without answers Codex tells the model that there are none, and it goes on as it thinks best. */
export function userInputResponse(answers: readonly FieldAnswer[]): ToolRequestUserInputResponse {
  return {
    answers: Object.fromEntries(
      answers.map(({ id, value }) => [
        id,
        { answers: typeof value === 'object' ? [...value] : [String(value)] },
      ]),
    ),
  };
}

/**
 * What an MCP server of Codex's asks (MCP's `elicitation/create`); undefined where it can't be answered here:
 * a form of a kind that is not known, a link that is not of the web, a check of who the person is.
 */
export function elicitationForm(
  params: McpServerElicitationRequestParams,
): { readonly fields: readonly QuestionField[] } | { readonly url: string } | undefined {
  switch (params.mode) {
    case 'form':
    case 'openai/form':
    case 'openaiForm': {
      const fields = fieldsOf(params.requestedSchema);
      return fields === undefined ? undefined : { fields };
    }
    case 'url':
      return /^https?:\/\/\S+$/i.test(params.url) ? { url: params.url } : undefined;
    default:
      return undefined;
  }
}

export function elicitationQuestion(params: McpServerElicitationRequestParams): Question {
  const said = params.mode === 'openai/userVerification' ? params.description : params.message;
  const lines = [`${params.serverName}: ${said}`];
  if (params.mode === 'url') lines.push(params.url);
  const form = elicitationForm(params);
  const text = lines.join('\n');
  if (form === undefined || ('fields' in form && form.fields.length === 0)) return { kind: 'question', text };
  return { kind: 'question', text, ...('fields' in form ? { intro: text } : {}), ...form };
}

export function elicitationResponse(
  params: McpServerElicitationRequestParams,
  action: McpServerElicitationRequestResponse['action'],
  answers: readonly FieldAnswer[],
): McpServerElicitationRequestResponse {
  const content =
    action === 'accept' && params.mode !== 'url'
      ? Object.fromEntries(
          answers.map(({ id, value }) => [id, typeof value === 'object' ? [...value] : value]),
        )
      : null;
  return { action, content, _meta: null };
}

const told = {
  title: z.nullish(z.string()),
  description: z.nullish(z.string()),
};
const bounds = {
  minimum: z.nullish(z.number()),
  maximum: z.nullish(z.number()),
  default: z.nullish(z.number()),
};
const count = z.nullish(z.int().check(z.gte(0)));
const named = z.array(z.object({ const: z.string(), title: z.nullish(z.string()) }));
const plain = z.array(z.string());

/** MCP 2025-11-25, `PrimitiveSchemaDefinition`; `oneOf` in place of `anyOf` is what some servers write. */
const property = z.union([
  z.object({
    ...told,
    type: z.literal('array'),
    items: z.union([z.object({ anyOf: named }), z.object({ oneOf: named }), z.object({ enum: plain })]),
    minItems: count,
    maxItems: count,
    default: z.nullish(plain),
  }),
  z.object({ ...told, type: z.literal('string'), oneOf: named, default: z.nullish(z.string()) }),
  z.object({
    ...told,
    type: z.literal('string'),
    enum: plain,
    enumNames: z.nullish(plain),
    default: z.nullish(z.string()),
  }),
  z.object({
    ...told,
    type: z.literal('string'),
    format: z.nullish(z.string()),
    minLength: count,
    maxLength: count,
    default: z.nullish(z.string()),
  }),
  z.object({ ...told, type: z.literal('number'), ...bounds }),
  z.object({ ...told, type: z.literal('integer'), ...bounds }),
  z.object({ ...told, type: z.literal('boolean'), default: z.nullish(z.boolean()) }),
]);

type Property = z.infer<typeof property>;

const form = z.object({
  type: z.literal('object'),
  properties: z.record(z.string(), property),
  required: z.nullish(plain),
});

function fieldsOf(schema: unknown): QuestionField[] | undefined {
  const parsed = form.safeParse(schema);
  if (!parsed.success) return undefined;
  const { properties } = parsed.data;
  const required = parsed.data.required ?? [];
  // Codex sorts the properties by name; what is needed comes first, in the asker's own order.
  const needed = required.flatMap((id) => {
    const one = Object.hasOwn(properties, id) ? properties[id] : undefined;
    return one === undefined ? [] : [[id, one] as const];
  });
  const others = Object.entries(properties).filter(([id]) => !required.includes(id));
  return [...needed, ...others].map(([id, one]) => ({
    id,
    label: one.title || id,
    ...present('description', one.description),
    // A yes or no that nobody touched is a no: there is nothing to wait for.
    required: one.type !== 'boolean' && required.includes(id),
    secret: 'format' in one && one.format === 'password',
    input: inputOf(one),
  }));
}

function inputOf(one: Property): FieldInput {
  if (one.type === 'boolean') return { kind: 'boolean', ...present('initial', one.default) };
  if (one.type === 'number' || one.type === 'integer') {
    return {
      kind: 'number',
      integer: one.type === 'integer',
      ...present('minimum', one.minimum),
      ...present('maximum', one.maximum),
      ...present('initial', one.default),
    };
  }
  if (one.type === 'array') {
    return {
      kind: 'choices',
      options: 'enum' in one.items ? plainOptions(one.items.enum) : namedOptions(listOf(one.items)),
      ...present('least', one.minItems),
      ...present('most', one.maxItems),
      ...present('initial', one.default),
    };
  }
  if ('oneOf' in one || 'enum' in one) {
    const options = 'oneOf' in one ? namedOptions(one.oneOf) : plainOptions(one.enum, one.enumNames ?? []);
    return { kind: 'choice', options, other: false, ...present('initial', one.default) };
  }
  return {
    kind: 'text',
    ...formatOf(one.format),
    ...present('minLength', one.minLength),
    ...present('maxLength', one.maxLength),
    ...present('initial', one.default),
  };
}

function listOf(items: { anyOf: z.infer<typeof named> } | { oneOf: z.infer<typeof named> }) {
  return 'anyOf' in items ? items.anyOf : items.oneOf;
}

function namedOptions(list: z.infer<typeof named>): FieldOption[] {
  return list.map(({ const: value, title }) => option(value, title || value));
}

function plainOptions(list: readonly string[], names: readonly string[] = []): FieldOption[] {
  return list.map((value, place) => option(value, names[place] || value));
}

function option(value: string, label: string, description = ''): FieldOption {
  return { value, label, ...(description === '' ? {} : { description }) };
}

/** Formats that are not known are the server's to check. */
function formatOf(format: string | null | undefined): Pick<Extract<FieldInput, { kind: 'text' }>, 'format'> {
  switch (format) {
    case 'email':
    case 'uri':
    case 'date':
    case 'date-time':
      return { format };
    default:
      return {};
  }
}

function present<K extends string, V>(key: K, value: V | null | undefined): { [P in K]?: V } {
  // The computed key is the one that the type names.
  return value === null || value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
