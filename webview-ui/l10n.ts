import {
  type Bundle,
  localeOf,
  type Translate,
  textParts,
  translationOf,
  translator,
} from '../src/shared/l10n.ts';
import { L10N_ELEMENT } from '../src/shared/webviewPage.ts';

/** The document that the host has written; in tests of single parts there is none, and all is English. */
const page = typeof document === 'undefined' ? undefined : document;
const bundle = readBundle(page?.getElementById(L10N_ELEMENT)?.textContent ?? '');

/** For numbers and times: the language of the texts, as it is written where the person is, if the browser knows. */
export const locale: string = localeOf(
  page?.documentElement.lang ?? '',
  globalThis.navigator?.languages ?? [],
);

const numbers = new Intl.NumberFormat(locale);

/** In the language that VS Code is shown in; numbers are written as it is usual there. */
export const t: Translate = translator(bundle, (arg) =>
  typeof arg === 'number' ? numbers.format(arg) : arg,
);

/** The same for a text that has elements among its words. */
export function rich<T>(message: string, ...args: (T | string)[]): (T | string)[] {
  return textParts(translationOf(bundle, message), args).map((part) =>
    typeof part === 'string' ? part : part.arg,
  );
}

/** Our own host has written it. */
function readBundle(text: string): Bundle {
  return text === '' ? {} : (JSON.parse(text) as Bundle);
}
