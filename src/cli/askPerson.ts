import { createInterface } from 'node:readline/promises';
import { UsageError } from './exit.ts';

/** Whether a person sits there who can be asked. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/** How a command is told not to ask. */
export interface ConfirmFlags {
  readonly yes: boolean;
  readonly json: boolean;
  readonly 'dry-run': boolean;
}

/** @throws UsageError where nobody can be asked and `--yes` is not there */
export async function isWanted({ yes, json }: ConfirmFlags, question: string): Promise<boolean> {
  if (yes) return true;
  if (json || !isInteractive()) {
    throw new UsageError(
      'Nobody is there to ask. Say --yes to do what is shown, or --dry-run to only see it.',
    );
  }
  return askYes(question);
}

/** Only a clear yes is one. */
export async function askYes(question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await askLine(`${question} [y/N] `));
}

/** A number or the value itself; an empty line is the first one. */
export async function askChoice<T extends string>(
  question: string,
  choices: readonly Choice<T>[],
): Promise<T> {
  const list = choices.map(({ text }, index) => `  ${index + 1}  ${text}\n`).join('');
  for (;;) {
    const answer = await askLine(`${question}\n${list}[1] `);
    const found =
      answer === ''
        ? choices[0]
        : (choices[Number(answer) - 1] ?? choices.find(({ value }) => value === answer));
    if (found !== undefined) return found.value;
  }
}

export interface Choice<T extends string> {
  readonly value: T;
  readonly text: string;
}

/** Ctrl+C, or the end of the input, in place of an answer. */
export class Unanswered extends Error {
  readonly interrupted: boolean;

  constructor(interrupted: boolean) {
    super('no answer');
    this.interrupted = interrupted;
  }
}

/** @throws Unanswered */
async function askLine(prompt: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const gone = Promise.withResolvers<never>();
  lines.once('SIGINT', () => gone.reject(new Unanswered(true)));
  lines.once('close', () => gone.reject(new Unanswered(false)));
  try {
    return (await Promise.race([lines.question(prompt), gone.promise])).trim();
  } finally {
    lines.close();
    // Closing it settles this one, and nobody listens any more.
    gone.promise.catch(() => {});
  }
}
