import { visibleParts } from '../../src/shared/visible.ts';

/** Text exactly as it is: what would hide, reorder or overwrite is shown by its code point. */
export function Visible({ text }: { text: string }) {
  return (
    <>
      {visibleParts(text).map((part, place) =>
        part.hidden ? (
          <span key={place} class="hidden-character">
            {part.text}
          </span>
        ) : (
          part.text
        ),
      )}
    </>
  );
}
