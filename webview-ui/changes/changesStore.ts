import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { ChangeContent, ChangeList } from '../../src/shared/changes.ts';
import { type ErrorInfo, toErrorInfo } from '../../src/shared/errors.ts';
import type { PanelContract } from '../../src/shared/panel.ts';
import { isWhole, patchOf } from '../../src/shared/patch.ts';
import type { Params, RequestName, Result, RpcClient } from '../../src/shared/rpc.ts';
import type { SessionId, TurnId } from '../../src/shared/session.ts';
import { t } from '../l10n.ts';

export type Layout = 'unified' | 'split';

/** What is on its way, there, or could not be had. */
export type Loaded<T> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly value: T }
  | { readonly state: 'failed'; readonly error: ErrorInfo };

/** A file of a turn, or one of its hunks. */
export interface Place {
  readonly turn: TurnId;
  /** Absent: the whole turn. */
  readonly path?: string;
  readonly hunk?: number;
}

/** What of the tab is kept over a reload. */
export interface ChangesView {
  readonly layout: Layout;
  /** `all`: of every turn; null: of the latest that changed something. */
  readonly scope: TurnId | 'all' | null;
  /** Files that the person opened or closed, by {@link fileKey}. */
  readonly open: Readonly<Record<string, boolean>>;
  readonly scrollTop: number;
}

export const NO_VIEW: ChangesView = { layout: 'unified', scope: null, open: {}, scrollTop: 0 };

const LOADING = { state: 'loading' } as const;

export function fileKey(turn: TurnId, path: string): string {
  return `${turn} ${path}`;
}

function placeKey({ turn, path, hunk }: Place): string {
  return JSON.stringify([turn, path ?? null, hunk ?? null]);
}

/** The state of the changes tab: lists and contents are read from the bridge when they are looked at. */
export class ChangesStore {
  readonly view: Signal<ChangesView>;
  /** Parts of the view, so that scrolling draws nothing again. */
  readonly layout: ReadonlySignal<Layout> = computed(() => this.view.value.layout);
  readonly scope: ReadonlySignal<ChangesView['scope']> = computed(() => this.view.value.scope);
  readonly open: ReadonlySignal<ChangesView['open']> = computed(() => this.view.value.open);
  /** What could not be done, by place: shown there. */
  readonly refused: Signal<ReadonlyMap<string, ErrorInfo>> = signal(new Map());
  /** The hunk that the keyboard is on its way to. */
  readonly goal: Signal<Place | null> = signal<Place | null>(null);
  /** What a screen reader is told. */
  readonly said: Signal<string> = signal('');
  readonly #rpc: RpcClient<PanelContract>;
  readonly #session: () => SessionId | null;
  /** Places where something is being done. */
  readonly #busy = new Set<string>();
  readonly #lists = new Map<TurnId, Signal<Loaded<ChangeList>>>();
  readonly #contents = new Map<string, Signal<Loaded<ChangeContent>>>();

  /** @param session the one that is shown: another one has turns of its own */
  constructor(rpc: RpcClient<PanelContract>, session: () => SessionId | null, view: ChangesView = NO_VIEW) {
    this.#rpc = rpc;
    this.#session = session;
    this.view = signal(view);
    rpc.on('changes.changed', ({ turn }) => void this.#refresh(turn));
  }

  /** Asked for when it is drawn for the first time. */
  list(turn: TurnId): Signal<Loaded<ChangeList>> {
    const known = this.#lists.get(turn);
    if (known !== undefined) return known;
    const list = signal<Loaded<ChangeList>>(LOADING);
    this.#lists.set(turn, list);
    void this.#load(list, 'changes.list', { session: this.#session() ?? '', turn });
    return list;
  }

  content(turn: TurnId, path: string): Signal<Loaded<ChangeContent>> {
    const key = fileKey(turn, path);
    const known = this.#contents.get(key);
    if (known !== undefined) return known;
    const content = signal<Loaded<ChangeContent>>(LOADING);
    this.#contents.set(key, content);
    void this.#load(content, 'changes.read', { session: this.#session() ?? '', turn, path });
    return content;
  }

  /** Reads again what could not be read. */
  async again(turn: TurnId): Promise<void> {
    await this.#refresh(turn);
  }

  /** Brings the keyboard to a hunk, which need not be in the document yet. */
  goTo(place: Place): void {
    this.goal.value = place;
  }

  reached(): void {
    this.goal.value = null;
  }

  setView(part: Partial<ChangesView>): void {
    this.view.value = { ...this.view.value, ...part };
  }

  setOpen(keys: readonly string[], open: boolean): void {
    const changed = Object.fromEntries(keys.map((key) => [key, open]));
    this.setView({ open: { ...this.view.value.open, ...changed } });
  }

  refusal(place: Place): ErrorInfo | undefined {
    return this.refused.value.get(placeKey(place));
  }

  async revert(place: Place): Promise<void> {
    await this.#act(place, async (session) => {
      const { refused } = await this.#rpc.request('changes.revert', { session, ...place });
      for (const { path, error } of refused) this.#refuse({ turn: place.turn, path }, error);
      this.said.value =
        refused.length === 0
          ? t('Reverted.')
          : refused.length === 1
            ? t('1 file could not be reverted.')
            : t('{0} files could not be reverted.', refused.length);
    });
  }

  async keep(place: Place, kept: boolean): Promise<void> {
    await this.#act(place, async (session) => {
      await this.#rpc.request('changes.keep', { session, ...place, kept });
      if (place.path !== undefined && place.hunk === undefined && kept) {
        this.setOpen([fileKey(place.turn, place.path)], false);
      }
      this.said.value = kept ? t('Marked as kept.') : t('The mark was taken away.');
    });
  }

  /** Puts the changes of these files on the clipboard. */
  async copyPatch(place: Place, paths: readonly string[]): Promise<void> {
    await this.#act(place, async (session) => {
      const patches: string[] = [];
      const left: string[] = [];
      for (const path of paths) {
        const content = await this.#rpc.request('changes.read', { session, turn: place.turn, path });
        if (isWhole(content)) patches.push(patchOf(content));
        else left.push(path);
      }
      await this.#rpc.request('copy', { text: patches.join('') });
      this.said.value = t('Copied as a patch.');
      for (const path of left) {
        const message = t('This file is too large for a patch; it was left out.');
        this.#refuse(
          { turn: place.turn, path },
          { code: 'CHANGE_NOT_REVERTIBLE', message, translated: true },
        );
      }
    });
  }

  async openDiff(turn: TurnId, path: string): Promise<void> {
    await this.#act({ turn, path }, async (session) => {
      await this.#rpc.request('changes.openDiff', { session, turn, path });
    });
  }

  async openAll(turn: TurnId): Promise<void> {
    await this.#act({ turn }, async (session) => {
      await this.#rpc.request('changes.openAll', { session, turn });
    });
  }

  /** One thing at a time in one place; what fails is said there, until something else is tried. */
  async #act(place: Place, action: (session: SessionId) => Promise<void>): Promise<void> {
    const key = placeKey(place);
    const session = this.#session();
    if (session === null || this.#busy.has(key)) return;
    this.#busy.add(key);
    const refused = new Map(this.refused.value);
    if (refused.delete(key)) this.refused.value = refused;
    try {
      await action(session);
    } catch (error) {
      this.#refuse(place, toErrorInfo(error));
    } finally {
      this.#busy.delete(key);
    }
  }

  #refuse(place: Place, error: ErrorInfo): void {
    this.refused.value = new Map([...this.refused.value, [placeKey(place), error]]);
  }

  /** Reads again what is known of a turn, without taking away what is shown meanwhile. */
  async #refresh(turn: TurnId): Promise<void> {
    const session = this.#session() ?? '';
    const list = this.#lists.get(turn);
    if (list !== undefined) await this.#load(list, 'changes.list', { session, turn });
    for (const [key, content] of this.#contents) {
      if (!key.startsWith(`${turn} `)) continue;
      await this.#load(content, 'changes.read', { session, turn, path: key.slice(turn.length + 1) });
    }
  }

  async #load<M extends RequestName<PanelContract>>(
    into: Signal<Loaded<Result<PanelContract, M>>>,
    method: M,
    params: Params<PanelContract, M>,
  ): Promise<void> {
    try {
      into.value = { state: 'ready', value: await this.#rpc.request(method, params) };
    } catch (error) {
      into.value = { state: 'failed', error: toErrorInfo(error) };
    }
  }
}
