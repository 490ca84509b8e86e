import { createContext, type RefObject } from 'preact';
import { useEffect } from 'preact/hooks';

/** True inside the transcript: what can be opened there is reached by the arrow keys, and is no stop of Tab. */
export const InTranscript = createContext(false);

/** Marks what the arrow keys go to: a message, or the line of a step. */
const ENTRY = '[data-entry]';
const CONTROLS = 'a[href], button, input, textarea, select, summary, [tabindex]';
/** Less than this of an entry outside of the view does not count, in CSS pixels. */
const SLACK = 4;

export interface RovingOptions {
  /** Draws what comes before, where something does. @returns whether it does */
  readonly earlier: () => boolean;
}

/**
 * The keyboard in a long transcript: one stop of Tab, arrow up and down, Home and End between the messages and
 * steps, Enter opens a step (its own key), right and left open and fold it, Escape goes back. Tab goes through the
 * links and buttons of the entry that has the focus, and then on behind the transcript.
 */
export function useRovingFocus(
  scroller: RefObject<HTMLElement | null>,
  key: unknown,
  options: RovingOptions,
): void {
  useEffect(() => {
    const root = scroller.current;
    if (root === null) return undefined;
    const roving = new Roving(root, options);
    const onKeyDown = (event: KeyboardEvent) => {
      if (roving.handle(event)) event.preventDefault();
    };
    const onFocus = (event: FocusEvent) => roving.focused(event);
    root.addEventListener('keydown', onKeyDown);
    root.addEventListener('focusin', onFocus);
    return () => {
      root.removeEventListener('keydown', onKeyDown);
      root.removeEventListener('focusin', onFocus);
      roving.dispose();
    };
  }, [key]);
}

class Roving {
  readonly #root: HTMLElement;
  readonly #options: RovingOptions;
  /** The entry where Tab comes in. */
  #current: HTMLElement | undefined;

  constructor(root: HTMLElement, options: RovingOptions) {
    this.#root = root;
    this.#options = options;
  }

  dispose(): void {
    this.#setCurrent(undefined);
  }

  /** @returns whether the key was ours */
  handle(event: KeyboardEvent): boolean {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === 'Tab') return this.#tab(event.shiftKey);
    const target = event.target as HTMLElement; // of key events always
    const entry = target.closest<HTMLElement>(ENTRY);
    if (event.key === 'Escape') return this.#escape(target);
    // Links, buttons and scrolling blocks inside of an entry have keys of their own.
    if (target !== this.#root && target !== entry) return false;
    switch (event.key) {
      case 'ArrowDown':
        return this.#down(entry);
      case 'ArrowUp':
        return this.#up(entry);
      case 'Home':
        return this.#go(this.#entries()[0]);
      case 'End':
        return this.#go(this.#entries().at(-1));
      case 'ArrowRight':
        return fold(entry, true);
      case 'ArrowLeft':
        return fold(entry, false);
      default:
        return false;
    }
  }

  /** Something in the transcript has the focus now. */
  focused({ target, relatedTarget }: FocusEvent): void {
    const element = target as HTMLElement; // of focus events always
    const entry = this.#entryOf(element);
    const cameIn = !(relatedTarget instanceof Node && this.#root.contains(relatedTarget));
    // By Tab into the middle: the place where the reader was, and not the first link of all.
    if (cameIn && element !== this.#root && element !== this.#current && element.matches(':focus-visible')) {
      if (this.#go(this.#alive() ?? this.#entryInView('last'))) return;
    }
    if (entry !== undefined) this.#setCurrent(entry);
  }

  #down(entry: HTMLElement | null): boolean {
    if (entry === null) return this.#go(this.#alive() ?? this.#entryInView('first'));
    // What is longer than the view is read to its end first.
    if (boxOf(entry).bottom > this.#view().bottom + SLACK) return false;
    const entries = this.#entries();
    return this.#go(entries[entries.indexOf(entry) + 1]);
  }

  #up(entry: HTMLElement | null): boolean {
    if (entry === null) return this.#go(this.#alive() ?? this.#entryInView('last'));
    if (boxOf(entry).top < this.#view().top - SLACK) return false;
    const entries = this.#entries();
    const place = entries.indexOf(entry);
    if (place > 0) return this.#go(entries[place - 1]);
    if (!this.#options.earlier()) return false;
    // After it was drawn.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (document.activeElement === entry) this.#up(entry);
      }),
    );
    return true;
  }

  /** From a link to its message, from a message to the composer. */
  #escape(target: HTMLElement): boolean {
    const owner = this.#entryOf(target);
    if (owner !== undefined && owner !== target) return this.#go(owner);
    const composer = document.querySelector<HTMLElement>('.composer textarea');
    composer?.focus();
    return composer !== null;
  }

  /** Within the entry Tab has its usual way; from its end it goes behind the transcript, from its start before it. */
  #tab(back: boolean): boolean {
    const active = document.activeElement;
    const entry = this.#alive();
    if (!(active instanceof HTMLElement) || (entry === undefined && active !== this.#root)) return false;
    const stops = entry === undefined ? [this.#root] : [entry, ...controlsIn(placeOf(entry), entry)];
    const place = stops.indexOf(active);
    // Codex may have written in the meantime: then the browser's own way is as good.
    if (place < 0 && active !== this.#root) return false;
    if (back ? place > 0 : place >= 0 && place < stops.length - 1) return false;
    return leave(this.#root, back);
  }

  #go(entry: HTMLElement | undefined): boolean {
    if (entry === undefined) return false;
    this.#setCurrent(entry);
    entry.focus({ preventScroll: true });
    const long = boxOf(entry).height > this.#view().height;
    entry.scrollIntoView({ block: long ? 'start' : 'nearest' });
    return true;
  }

  #setCurrent(entry: HTMLElement | undefined): void {
    if (this.#current !== entry) this.#current?.setAttribute('tabindex', '-1');
    this.#current = entry;
    entry?.setAttribute('tabindex', '0');
    // One stop in all: the list itself only as long as nothing in it was read.
    this.#root.setAttribute('tabindex', entry === undefined ? '0' : '-1');
  }

  /** The entry last read, where it is still drawn. */
  #alive(): HTMLElement | undefined {
    if (this.#current?.isConnected === false) this.#setCurrent(undefined);
    return this.#current;
  }

  #entryOf(element: HTMLElement): HTMLElement | undefined {
    const own = element.closest<HTMLElement>(ENTRY);
    // What a step has opened lies beside its line.
    return own ?? element.closest('details')?.querySelector<HTMLElement>(`:scope > ${ENTRY}`) ?? undefined;
  }

  #entries(): HTMLElement[] {
    return [...this.#root.querySelectorAll<HTMLElement>(ENTRY)];
  }

  #entryInView(which: 'first' | 'last'): HTMLElement | undefined {
    const { top, bottom } = this.#view();
    const seen = this.#entries().filter((entry) => {
      const box = boxOf(entry);
      return box.bottom > top && box.top < bottom;
    });
    return which === 'first' ? seen[0] : seen.at(-1);
  }

  #view(): DOMRect {
    return this.#root.getBoundingClientRect();
  }
}

function boxOf(element: HTMLElement): DOMRect {
  return element.getBoundingClientRect();
}

/** Where an entry's controls are: a step's line has them in what it opens. */
function placeOf(entry: HTMLElement): HTMLElement {
  return entry.tagName === 'SUMMARY' ? (entry.parentElement ?? entry) : entry;
}

function controlsIn(place: HTMLElement, entry: HTMLElement): HTMLElement[] {
  return [...place.querySelectorAll<HTMLElement>(CONTROLS)].filter(
    (control) => control !== entry && isStop(control),
  );
}

function isStop(element: HTMLElement): boolean {
  return element.tabIndex >= 0 && !element.matches(':disabled') && element.checkVisibility();
}

function fold(entry: HTMLElement | null, open: boolean): boolean {
  const details = entry?.parentElement;
  if (!(details instanceof HTMLDetailsElement) || entry?.tagName !== 'SUMMARY') return false;
  details.open = open;
  return true;
}

/** Moves on to the nearest stop of Tab outside of the transcript, where there is one. */
function leave(root: HTMLElement, back: boolean): boolean {
  const side = back ? Node.DOCUMENT_POSITION_PRECEDING : Node.DOCUMENT_POSITION_FOLLOWING;
  const stops = [...document.querySelectorAll<HTMLElement>(CONTROLS)].filter(
    (stop) => !root.contains(stop) && (root.compareDocumentPosition(stop) & side) !== 0 && isStop(stop),
  );
  const stop = back ? stops.at(-1) : stops[0];
  stop?.focus();
  return stop !== undefined;
}
