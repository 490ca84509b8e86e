/**
 * Text for a human's decision, with everything visible that could hide or reorder what is really there:
 * control characters (line breaks and tabs stay) and invisible format characters, such as bidi marks.
 */
export function makeVisible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    character === '\n' || character === '\t' ? character : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
