import { demoReview, isCompaction, isReview } from './reviewScript.ts';
import type { ModelRequest, Step } from './scriptedModel.ts';
import { addFile, command, cut, fail, patch, reasoning, stall, text, words } from './scriptedModel.ts';

/**
 * What the scripted model does where a test gives no script: it answers `Echo: <prompt>`, and knows
 *
 * - `!run CMD` — runs a shell command and answers with its output
 * - `!patch FILE [TEXT]` — adds a file (its directory may be new) and says so
 * - `!edit FILE OLD => NEW` — replaces one line of a file
 * - `!slow N WORDS` — says the words one by one, N ms apart, and again from the start until 20 are said
 *   where there are fewer
 * - `!say TEXT` — answers with exactly this text (Markdown); `\n` is a line break
 * - `!think TEXT` — a reasoning summary, then an answer
 * - `!big N` — answers with N kilobytes of text
 * - `!stall` — begins to speak and never goes on
 * - `!fail STATUS` — the endpoint answers with that HTTP status
 * - `!cut` — the stream breaks after a few words
 * - a review of Codex's (`review/start`) — one finding for each changed file
 * - a compaction — a summary of the prompts
 * - `!recall` — lists all the earlier prompts that it was given: shows that the context is there
 */
export function* demoScript(request: ModelRequest): Generator<Step> {
  if (isReview(request)) {
    yield* demoReview(request);
    return;
  }
  if (isCompaction(request)) {
    yield text(`What was asked so far: ${request.prompts.slice(0, -1).join('; ')}`);
    return;
  }
  const [, name, rest = ''] = /^!([a-z]+) ?(.*)$/s.exec(request.prompt.trim()) ?? [];
  const output = request.outputs.at(-1);
  switch (name) {
    case 'run':
      if (output === undefined) yield command(rest);
      else yield text(`It printed:\n\n\`\`\`\n${commandOutput(output)}\n\`\`\``);
      return;
    case 'patch': {
      const [, file = 'hello.txt', content = 'Hello from Codex'] = /^(\S+) ?(.*)$/s.exec(rest) ?? [];
      if (output === undefined) yield patch(addFile(file, content));
      else yield text(`I added \`${file}\`.`);
      return;
    }
    case 'edit': {
      const [, file = '', old = '', now = ''] = /^(\S+) (.*?) => (.*)$/s.exec(rest) ?? [];
      if (output === undefined) yield patch(`*** Update File: ${file}\n@@\n-${old}\n+${now}`);
      else yield text(`I changed \`${file}\`.`);
      return;
    }
    case 'slow': {
      const [, ms = '100', said = ''] = /^(\d+) ?(.*)$/s.exec(rest) ?? [];
      yield words(atLeastTwenty(said), Number(ms));
      return;
    }
    case 'say':
      yield text(rest.replaceAll('\\n', '\n'));
      return;
    case 'think':
      yield reasoning(`**Thinking**\n\n${rest}`);
      yield text(`I thought about it: ${rest}`);
      return;
    case 'big':
      yield text('All work and no play. '.repeat(Math.ceil((Number(rest) * 1024) / 22)));
      return;
    case 'stall':
      yield words(['I begin, ']);
      yield stall();
      return;
    case 'fail':
      yield fail(Number(rest) || 500);
      return;
    case 'cut':
      yield words(['I begin, ', 'and ']);
      yield cut();
      return;
    case 'recall':
      yield text(recall(request.prompts.slice(0, -1)));
      return;
    default:
      yield text(`Echo: ${request.prompt}`);
  }
}

function recall(prompts: readonly string[]): string {
  if (prompts.length === 0) return 'You said nothing before.';
  return `You said:\n\n${prompts.map((prompt, index) => `${index + 1}. ${prompt}`).join('\n')}`;
}

function atLeastTwenty(said: string): string {
  const list = said.trim() === '' ? ['word'] : said.trim().split(/\s+/);
  const all = list.length >= 20 ? list : Array.from({ length: 20 }, (_, index) => list[index % list.length]);
  return all.join(' ');
}

/** The part of an `exec_command` result that the command itself printed. */
function commandOutput(output: string): string {
  return (
    output
      .split(/^Output:\n/m)
      .at(-1)
      ?.trimEnd() ?? output
  );
}
