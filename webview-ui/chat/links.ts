import type { ChatStore } from './store.ts';

/** Links lead out of the webview through our host only: captured, before VS Code's own listener opens them too. */
export function openLinksThroughHost(store: ChatStore): void {
  document.addEventListener(
    'click',
    (event) => {
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      if (link === null) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const href = link.getAttribute('href');
      if (href !== null && href !== '') void store.ask('link.open', { href });
    },
    true,
  );
}
