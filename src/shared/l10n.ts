/** Texts by their English. What is not in it stays English. */
export type Bundle = Readonly<Record<string, string>>;

/**
 * What `vscode.l10n.t` does, for modules that do not know VS Code: `{0}`, `{1}`, … stand for the arguments. The
 * message is a literal where it is called, so that it is found for l10n/bundle.l10n.json.
 */
export type Translate = (message: string, ...args: (string | number)[]) => string;

/** @param textOf how an argument is written; a translation may have the arguments in another order */
export function translator(
  bundle: Bundle = {},
  textOf: (arg: string | number) => string = String,
): Translate {
  return (message, ...args) =>
    textParts(translationOf(bundle, message), args)
      .map((part) => (typeof part === 'object' ? textOf(part.arg) : part))
      .join('');
}

/** English as it is written. */
export const english: Translate = translator();

export function translationOf(bundle: Bundle, message: string): string {
  return Object.hasOwn(bundle, message) ? (bundle[message] ?? message) : message;
}

/** A text cut at its placeholders, with the arguments in their places; one without argument stays as it is written. */
export function textParts<T>(text: string, args: readonly T[]): (string | { readonly arg: T })[] {
  const parts: (string | { readonly arg: T })[] = [];
  for (const [place, part] of text.split(/\{(\d+)\}/).entries()) {
    const index = Number(part);
    if (place % 2 === 0) parts.push(part);
    else if (index in args)
      parts.push({ arg: args[index] as T }); // it is in there
    else parts.push(`{${part}}`);
  }
  return parts.filter((part) => part !== '');
}

/**
 * The locale for numbers and times among texts in this language.
 *
 * @param regions the person's own locales: one of the same language also knows how things are written there
 */
export function localeOf(language: string, regions: readonly string[]): string {
  const base = (tag: string) => tag.split('-')[0]?.toLowerCase();
  const wanted = language === '' ? 'en' : language;
  const found = regions.find((tag) => base(tag) === base(wanted)) ?? wanted;
  try {
    return Intl.getCanonicalLocales(found)[0] ?? 'en';
  } catch (error) {
    // VS Code has names of its own for some, which are no language tags.
    if (error instanceof RangeError) return 'en';
    throw error;
  }
}
