import type { Bundle } from '../shared/l10n.ts';
import { L10N_ELEMENT } from '../shared/webviewPage.ts';

/** What a webview's document says about its language. */
export interface WebviewTexts {
  /** For `<html lang>`. */
  readonly language: string;
  /** An element with the texts: data, which no policy has to allow; empty where all is English. */
  readonly element: string;
}

/**
 * Where VS Code has no texts of ours in its language, ours are English, and said to be.
 *
 * @param language `vscode.env.language`
 * @param bundle `vscode.l10n.bundle`
 */
export function webviewTexts(language: string, bundle: Bundle | undefined): WebviewTexts {
  if (bundle === undefined) return { language: 'en', element: '' };
  // No text can end the element, or begin another one.
  const json = JSON.stringify(bundle).replaceAll('<', '\\u003c');
  return {
    language: language.replaceAll(/[^\w-]/g, ''),
    element: `<script type="application/json" id="${L10N_ELEMENT}">${json}</script>`,
  };
}
