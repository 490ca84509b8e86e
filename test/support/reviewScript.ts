import { join } from 'node:path';
import type { ModelRequest, Step } from './scriptedModel.ts';
import { command, text } from './scriptedModel.ts';

/** Codex asks its model for a review: the first thing that it says is how to review. */
export function isReview(request: ModelRequest): boolean {
  return request.input.some(
    ({ role, content }) =>
      role === 'developer' && content?.[0]?.text?.startsWith('# Review guidelines') === true,
  );
}

/** Codex asks its model to make the conversation shorter. */
export function isCompaction(request: ModelRequest): boolean {
  return request.prompt.startsWith('You are performing a CONTEXT CHECKPOINT COMPACTION');
}

export interface ScriptedFinding {
  readonly title: string;
  readonly body: string;
  /** Absolute. */
  readonly file: string;
  readonly lines?: readonly [number, number];
  readonly priority?: number;
}

/** A review in the JSON that Codex asks its model for. */
export function review(findings: readonly ScriptedFinding[], explanation: string): Step {
  const output = {
    findings: findings.map(({ title, body, file, lines: [start, end] = [1, 1], priority }) => ({
      title,
      body,
      confidence_score: 0.8,
      ...(priority === undefined ? {} : { priority }),
      code_location: { absolute_file_path: file, line_range: { start, end } },
    })),
    overall_correctness: findings.length === 0 ? 'patch is correct' : 'patch is incorrect',
    overall_explanation: explanation,
    overall_confidence_score: 0.8,
  };
  return text(JSON.stringify(output));
}

/** What the folder's git says is changed, and a finding for each file of it, the first the worst. */
export function* demoReview(request: ModelRequest): Generator<Step> {
  const output = request.outputs.at(-1);
  if (output === undefined) {
    const [, base] = /`git diff ([0-9a-f]{40})`/.exec(request.prompt) ?? [];
    const [, commit] = /commit ([0-9a-f]{40})/.exec(request.prompt) ?? [];
    if (base !== undefined) yield command(`git diff --name-only ${base}`);
    else if (commit !== undefined) yield command(`git show --name-only --format= ${commit}`);
    else yield command('git status --porcelain --untracked-files=all | cut -c4-');
    return;
  }
  const listed =
    output
      .split(/^Output:\n/m)
      .at(-1)
      ?.trim() ?? '';
  const files = listed.split('\n').filter((file) => file !== '');
  const cwd = cwdOf(request);
  const findings = files.slice(0, 4).map((file, place): ScriptedFinding => {
    const priority = Math.min(3, place + 1);
    return {
      title: `[P${priority}] ${place === 0 ? 'Handle the case that nothing is there' : 'Say what this is for'}`,
      body:
        place === 0
          ? 'An empty list ends here in `undefined`. Return early, or give a default:\n\n```js\nreturn list[0] ?? fallback;\n```'
          : 'Nobody who reads it later knows why it is there. A sentence is enough.',
      file: join(cwd, file),
      lines: place === 0 ? [2, 3] : [1, 1],
      priority,
    };
  });
  yield review(
    findings,
    findings.length === 0
      ? 'There is nothing to correct.'
      : 'The change does what it says, with one case that is easy to miss.',
  );
}

function cwdOf(request: ModelRequest): string {
  return /<cwd>(.*?)<\/cwd>/.exec(JSON.stringify(request.input))?.[1] ?? '/';
}
