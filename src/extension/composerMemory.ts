import type { FolderKey, SessionSnapshot } from '../shared/session.ts';
import type { ComposerOptions } from '../shared/webview.ts';
import type { IndexStore } from './sessionIndex.ts';

const KEY = 'codexBridge.composer';
const VERSION = 1;
const MAX_PROMPTS = 50;
/** A longer prompt is not kept: half of it would be worse than none. */
const MAX_PROMPT = 2_000;
/** UTF-16 units of all folders together: VS Code sends the whole again on each update. */
const MAX_TOTAL = 30_000;

interface Stored {
  readonly version: number;
  /** The folder used last comes last. */
  readonly prompts: readonly { readonly folder: FolderKey; readonly list: readonly string[] }[];
  readonly models: ComposerOptions['models'];
  /** Chosen last; the next new session takes them. Access is never remembered: it is chosen each time. */
  readonly model?: string;
  readonly effort?: string;
}

const EMPTY: Stored = { version: VERSION, prompts: [], models: [] };

/** What the composer remembers over a reload. Nothing depends on its being durable. */
export class ComposerMemory {
  readonly #store: IndexStore;
  readonly #onError: (error: unknown) => void;
  #stored: Stored;

  constructor(store: IndexStore, onError: (error: unknown) => void) {
    this.#store = store;
    this.#onError = onError;
    const stored = store.get<Stored>(KEY);
    this.#stored = stored?.version === VERSION ? stored : EMPTY;
  }

  /** The latest last. */
  prompts(folder: FolderKey): readonly string[] {
    return this.#stored.prompts.find((entry) => entry.folder === folder)?.list ?? [];
  }

  /** Where nothing is known any more of the session's folder: what this person has asked in the session. */
  restore({ folder, turns }: SessionSnapshot): void {
    if (this.prompts(folder).length > 0) return;
    const typed = turns.filter(({ source, task }) => source.kind === 'window' && task === undefined);
    for (const { prompt } of typed) this.addPrompt(folder, prompt);
  }

  addPrompt(folder: FolderKey, prompt: string): void {
    if (prompt.length > MAX_PROMPT) return;
    const before = this.prompts(folder).filter((old) => old !== prompt);
    const list = [...before, prompt].slice(-MAX_PROMPTS);
    const others = this.#stored.prompts.filter((entry) => entry.folder !== folder);
    this.#change({ prompts: bounded([...others, { folder, list }]) });
  }

  /** As Codex told them last: known also before it runs. */
  get models(): ComposerOptions['models'] {
    return this.#stored.models;
  }

  setModels(models: ComposerOptions['models']): void {
    if (JSON.stringify(models) !== JSON.stringify(this.#stored.models)) this.#change({ models });
  }

  get choice(): { readonly model?: string; readonly effort?: string } {
    const { model, effort } = this.#stored;
    return { ...(model === undefined ? {} : { model }), ...(effort === undefined ? {} : { effort }) };
  }

  setChoice(choice: { readonly model?: string; readonly effort?: string }): void {
    const { model: _model, effort: _effort, ...rest } = this.#stored;
    this.#stored = rest;
    this.#change(choice);
  }

  #change(part: Partial<Stored>): void {
    this.#stored = { ...this.#stored, ...part };
    this.#store.update(KEY, this.#stored).then(undefined, this.#onError);
  }
}

/** Leaves out the oldest prompts, of the folder that was used longest ago first. */
function bounded(entries: Stored['prompts']): Stored['prompts'] {
  let left = MAX_TOTAL;
  const kept: { folder: FolderKey; list: string[] }[] = [];
  for (const { folder, list } of entries.toReversed()) {
    const some: string[] = [];
    for (const prompt of list.toReversed()) {
      left -= prompt.length;
      if (left < 0) break;
      some.unshift(prompt);
    }
    if (some.length > 0) kept.unshift({ folder, list: some });
  }
  return kept;
}
