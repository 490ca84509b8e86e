import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { createTwoFilesPatch } from 'diff';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import { launcherFile } from '../launcher.ts';
import { writeEdit } from './jsonFile.ts';
import { commandLine, runProgram, saidBy } from './program.ts';
import type { Plan, RunBack, Step, Surroundings } from './registration.ts';

/** A step where the launcher is missing: what is registered must be there. */
export async function launcherStep({ home, platform }: Surroundings): Promise<Step[]> {
  const file = launcherFile(home, platform);
  return (await exists(file)) ? [] : [{ kind: 'launcher', file }];
}

/**
 * Does what the plan says, in its order. Where a step fails, those before it are taken back.
 *
 * @throws BridgeError `REGISTRATION_FAILED` with the client's own words, `CLIENT_CONFIG_UNUSABLE`
 */
export async function applyPlan(plan: Plan, around: Surroundings): Promise<void> {
  const back: (() => Promise<void>)[] = [];
  try {
    for (const step of plan.steps) await applyStep(step, around, back);
  } catch (error) {
    for (const undo of back.reverse()) {
      await undo().catch((again: unknown) => {
        throw new BridgeError(
          'REGISTRATION_FAILED',
          `${messageOf(error)} What was done before could not be taken back: ${messageOf(again)}`,
          { cause: error },
        );
      });
    }
    throw error;
  }
}

async function applyStep(step: Step, around: Surroundings, back: (() => Promise<void>)[]): Promise<void> {
  switch (step.kind) {
    case 'launcher':
      // Stays also where a later step fails: it hurts nobody.
      return around.installLauncher();
    case 'write':
      await writeEdit(step);
      back.push(() => writeEdit({ file: step.file, before: step.after, after: step.before }));
      return;
    case 'run': {
      const { argv, cwd, back: undo } = step;
      await runOrThrow({ argv }, cwd, around);
      if (undo !== undefined) back.push(() => runOrThrow(undo, cwd, around));
    }
  }
}

async function runOrThrow({ argv, input }: RunBack, cwd: string, { env }: Surroundings): Promise<void> {
  const ran = await runProgram(argv, { cwd, env, ...(input === undefined ? {} : { input }) });
  if (ran.code === 0) return;
  throw new BridgeError('REGISTRATION_FAILED', `"${commandLine(argv)}" failed: ${saidBy(ran)}`);
}

/** The plan as a person reads it: commands to the letter, files as a diff. */
export function describePlan(plan: Plan): string {
  return plan.steps.map(describeStep).join('\n');
}

function describeStep(step: Step): string {
  switch (step.kind) {
    case 'launcher':
      return `write  ${step.file} (the launcher, with its program beside it)\n`;
    case 'run':
      return `run    ${commandLine(step.argv)}\n       in ${step.cwd}\n`;
    case 'write': {
      const { file, before, after } = step;
      const verb = before === null ? 'create' : after === null ? 'delete' : 'write ';
      return `${verb} ${file}\n${indent(lineDiff(before ?? '', after ?? ''))}\n`;
    }
  }
}

/** Only the hunks: the names are above. */
function lineDiff(before: string, after: string): string {
  const patch = createTwoFilesPatch('', '', before, after, '', '', { context: 2 });
  return patch.slice(patch.indexOf('@@')).trimEnd();
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '       ');
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** {@link Surroundings} of this process. */
export function surroundings(home: string, installLauncher: () => Promise<void>): Surroundings {
  return { home, userHome: homedir(), env: process.env, platform: process.platform, installLauncher };
}
