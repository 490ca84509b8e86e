import { readFileSync } from 'node:fs';
import type { Frame, Page } from 'playwright-core';

/** A language that nobody speaks: VS Code's own name for one to test with. */
export const PSEUDO = 'qps-ploc';

/** Every text of ours in brackets, and longer by as much as other languages are: what is not in them was forgotten. */
export function pseudoBundle(): Record<string, string> {
  const file = new URL('../../l10n/bundle.l10n.json', import.meta.url);
  const english: Record<string, string> = JSON.parse(readFileSync(file, 'utf8')); // our own file
  return Object.fromEntries(Object.keys(english).map((text) => [text, pseudo(text)]));
}

/** `⟦Shoow {0} moore linees⟧` */
export function pseudo(text: string): string {
  const longer = text.replaceAll(/\{\d+\}|[aeiou]/gi, (part) => (part.length > 1 ? part : part + part));
  const missing = Math.ceil(text.length * 1.4) - longer.length - 2;
  return `⟦${longer}${missing > 0 ? ` ${'~'.repeat(Math.max(0, missing - 1))}` : ''}⟧`;
}

/**
 * What a person reads or hears in a document and is in no brackets. Contents of tests have no Latin letters; code,
 * names, and what says that it is English are passed over.
 *
 * @param contents what people and Codex say in Latin letters
 */
export function unmarked(document: Page | Frame, contents: readonly string[] = []): Promise<string[]> {
  return document.evaluate((foreign) => {
    const NAMES = /\b(Codex|ChatGPT|Claude Code|MCP)\b|^\/[a-z]+( …)?$|\b[AP]M\b/g;
    const ATTRIBUTES = ['title', 'aria-label', 'placeholder', 'aria-description', 'alt'];
    const faults: string[] = [];
    let depth = 0;
    const look = (text: string, where: string) => {
      let outside = '';
      for (const letter of text) {
        if (letter === '⟦') depth++;
        if (depth === 0) outside += letter;
        if (letter === '⟧') depth--;
      }
      for (const content of foreign) outside = outside.replaceAll(content, '');
      if (/\p{Script=Latin}{2,}/u.test(outside.replaceAll(NAMES, ''))) faults.push(`${where}: ${text}`);
    };
    const walk = (element: Element) => {
      if (element.matches('script, code, pre, [lang=en]') || !element.checkVisibility()) return;
      for (const name of ATTRIBUTES) {
        const before = depth;
        depth = 0;
        look(element.getAttribute(name) ?? '', `${element.tagName}.${element.className} ${name}`);
        depth = before;
      }
      for (const child of element.childNodes) {
        if (child instanceof Element) walk(child);
        else if (child instanceof Text) look(child.data, `${element.tagName}.${element.className}`);
      }
    };
    walk(globalThis.document.body);
    return faults;
  }, contents);
}

/** What is wider than its place: only code and what is cut with an ellipsis may be. */
export function overflowing(document: Page | Frame): Promise<string[]> {
  return document.evaluate(() =>
    [...globalThis.document.querySelectorAll('html, body, body *')]
      .filter((element) => {
        if (
          !element.checkVisibility() ||
          element.matches('pre, pre *, .file-diff *, .sr-only, textarea, input')
        ) {
          return false;
        }
        const { overflowX, textOverflow, display } = getComputedStyle(element);
        const clips = overflowX !== 'visible' || element.matches('html');
        return (
          clips &&
          textOverflow !== 'ellipsis' &&
          display !== 'inline' &&
          element.scrollWidth > element.clientWidth + 1
        );
      })
      .map((element) => `${element.tagName}.${element.className}: ${element.textContent?.slice(0, 60)}`),
  );
}
