import type { ApprovalPolicy } from '../../src/shared/session.ts';
import { demoScript } from '../support/demoScript.ts';
import type { ModelRequest, Step } from '../support/scriptedModel.ts';
import type { Random } from './random.ts';

export interface SoakPrompt {
  /** No two are the same. */
  readonly text: string;
  /** At its end, and of this prompt alone. */
  readonly mark: string;
  /** Only a cancel ends it. */
  readonly stalls: boolean;
  readonly approvalPolicy?: ApprovalPolicy;
}

/** What is asked, and how often compared with the rest. */
const WEIGHTS = {
  say: 25,
  echo: 10,
  slow: 20,
  long: 5,
  think: 5,
  run: 10,
  patch: 5,
  edit: 2,
  big: 5,
  fail: 4,
  cut: 3,
  stall: 3,
  asks: 5,
  leaves: 1,
  recall: 2,
} as const;

/** The prompts of one actor, each with a mark of its own at its end. */
export class Prompts {
  readonly #by: string;
  readonly #random: Random;
  #count = 0;

  constructor(by: string, random: Random) {
    this.#by = by;
    this.#random = random;
  }

  next(): SoakPrompt {
    const random = this.#random;
    const kind = random.weighted(WEIGHTS);
    const words = Array.from({ length: random.int(1, 40) }, () => `w${random.int(0, 999)}`).join(' ');
    switch (kind) {
      case 'say':
        return this.#prompt(`!say **${words}**`);
      case 'echo':
        return this.#prompt(words);
      case 'slow':
        return this.#prompt(`!slow ${random.int(5, 60)} ${words}`);
      case 'long':
        return this.#prompt(`!slow ${random.int(100, 250)} ${words}`);
      case 'think':
        return this.#prompt(`!think ${words}`);
      case 'run':
        return this.#prompt(`!run for i in 1 2 3; do echo $i; sleep 0.${random.int(0, 4)}; done`);
      case 'patch':
        return this.#prompt(`!patch made/${this.#by}-${this.#count}.txt ${words}`);
      case 'edit':
        return this.#prompt(`!edit there-is-no-such-file.txt a => b`);
      case 'big':
        return this.#prompt(`!big ${random.int(32, 512)}`);
      case 'fail':
        return this.#prompt(`!fail ${random.pick([400, 429, 500, 503])}`);
      case 'cut':
        return this.#prompt('!cut');
      case 'stall':
        return { ...this.#prompt('!stall'), stalls: true };
      case 'asks':
        return { ...this.#prompt(`!run touch asked-${this.#count}.txt`), approvalPolicy: 'untrusted' };
      case 'leaves':
        return this.#prompt('!run setsid sleep 600 >/dev/null 2>&1 & echo left');
      case 'recall':
        return this.#prompt('!recall');
    }
  }

  /** Output of a command: `megabytes` of it. */
  floodOutput(megabytes: number): SoakPrompt {
    return this.#prompt(`!run yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c ${megabytes}000000`);
  }

  /** Text of the model's. */
  floodText(megabytes: number): SoakPrompt {
    return this.#prompt(`!big ${megabytes * 1024}`);
  }

  #prompt(text: string): SoakPrompt {
    this.#count += 1;
    const mark = `~${this.#by}.${this.#count}`;
    return { text: `${text} ${mark}`, mark, stalls: false };
  }
}

/** The model of the soak: follows the little commands of `demoScript`, without the marks. */
export function soakScript(request: ModelRequest): Iterable<Step> {
  return demoScript({ ...request, prompt: request.prompt.replace(/ ~\S+$/, '') });
}
