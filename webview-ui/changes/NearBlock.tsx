import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** What comes this near to what is seen is drawn, in CSS pixels. */
const AHEAD = 800;
/** A line above a hunk or for a gap, in CSS pixels. */
const HEAD_HEIGHT = 24;

/** Tells blocks when they come near to what is seen, and when they are far away again. */
export class NearWatcher {
  readonly #calls = new WeakMap<Element, (entry: IntersectionObserverEntry) => void>();
  #observer: IntersectionObserver | undefined;

  /** @returns to be called when the target goes */
  watch(target: Element, call: (entry: IntersectionObserverEntry) => void): () => void {
    this.#observer ??= new IntersectionObserver(
      (entries) => {
        for (const entry of entries) this.#calls.get(entry.target)?.(entry);
      },
      { root: target.closest('.changes-list'), rootMargin: `${AHEAD}px 0px` },
    );
    const observer = this.#observer;
    this.#calls.set(target, call);
    observer.observe(target);
    return () => observer.unobserve(target);
  }

  dispose(): void {
    this.#observer?.disconnect();
  }
}

interface BlockProps {
  readonly watcher: NearWatcher;
  /** By these its height is guessed before it was drawn: lines of code, and lines above them. */
  readonly lines: number;
  readonly heads?: number;
  /** Is drawn wherever it is. */
  readonly wanted?: boolean;
  readonly children: () => ComponentChildren;
}

/**
 * A piece of a long list that is in the document only while it is near to what is seen: a file of 50,000 lines
 * costs what a screen of it does. It keeps its height when it goes.
 */
export function NearBlock({ watcher, lines, heads = 0, wanted = false, children }: BlockProps) {
  const element = useRef<HTMLDivElement>(null);
  const height = useRef<number | null>(null);
  const [near, setNear] = useState(false);
  useEffect(() => {
    const target = element.current;
    if (target === null) return undefined;
    return watcher.watch(target, ({ isIntersecting, boundingClientRect }) => {
      if (!isIntersecting && isInUse(target)) return;
      // Inside of what the browser does not lay out there are no heights.
      if (!isIntersecting && boundingClientRect.height > 0) height.current = boundingClientRect.height;
      setNear(isIntersecting);
    });
  }, [watcher]);
  // It stays when it is no longer asked for.
  useLayoutEffect(() => {
    if (wanted) setNear(true);
  }, [wanted]);
  if (near || wanted) return <div ref={element}>{children()}</div>;
  const guessed = `calc(${lines} * 1.5 * var(--vscode-editor-font-size, 12px) + ${heads * HEAD_HEIGHT}px)`;
  return <div ref={element} style={{ height: height.current === null ? guessed : `${height.current}px` }} />;
}

/** True where the keyboard is, or the person's selection: neither may be lost by scrolling. */
function isInUse(element: Element): boolean {
  if (element.contains(document.activeElement)) return true;
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(element, true);
}
