import { t } from '../l10n.ts';
import { highlighted } from './highlight.ts';

/** How long a button says that it was done, in ms. */
const SAID_MS = 1_500;

/** Colours the code blocks of a rendered text, and gives each a button that copies it. */
export function decorateCode(element: HTMLElement): void {
  for (const pre of element.querySelectorAll('pre')) {
    if (pre.parentElement?.classList.contains('code-block') === true) continue;
    const code = pre.querySelector('code') ?? pre;
    const language = /(?:^|\s)language-(\S+)/.exec(code.className)?.[1];
    const html = language === undefined ? undefined : highlighted(code.textContent ?? '', language);
    // Made of text that highlight.js has escaped.
    if (html !== undefined) code.innerHTML = html;
    pre.tabIndex = 0;
    const frame = document.createElement('div');
    frame.className = 'code-block';
    pre.replaceWith(frame);
    frame.append(
      pre,
      copyButton(() => code.textContent ?? ''),
    );
  }
}

function copyButton(text: () => string): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  const icon = document.createElement('span');
  icon.ariaHidden = 'true';
  button.append(icon);
  const say = (name: string, label: string) => {
    icon.className = `codicon codicon-${name}`;
    button.title = label;
    button.ariaLabel = label;
  };
  button.className = 'icon-button copy';
  say('copy', t('Copy'));
  button.addEventListener('click', () => {
    const done = () => setTimeout(() => say('copy', t('Copy')), SAID_MS);
    navigator.clipboard.writeText(text()).then(
      () => {
        say('check', t('Copied'));
        done();
      },
      () => {
        say('error', t('Not copied: the clipboard is not available'));
        done();
      },
    );
  });
  return button;
}
