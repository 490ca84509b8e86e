import { useMemo, useState } from 'preact/hooks';
import { t } from '../l10n.ts';
import { lastLines, styledText, terminalText } from './ansi.ts';
import { CopyButton } from './CopyButton.tsx';

/** Lines drawn at first: the end of an output says most, and a flood must not stop the view. */
const LAST_LINES = 100;

/** What a command printed, in its colours. */
export function Output({ text }: { text: string }) {
  const [all, setAll] = useState(false);
  const whole = useMemo(() => terminalText(text), [text]);
  const { text: shown, before } = useMemo(
    () => lastLines(whole, all ? Number.POSITIVE_INFINITY : LAST_LINES),
    [whole, all],
  );
  const parts = useMemo(() => styledText(shown), [shown]);
  return (
    <>
      {before > 0 && (
        <button type="button" class="link-button" onClick={() => setAll(true)}>
          {before === 1 ? t('Show 1 earlier line') : t('Show {0} earlier lines', before)}
        </button>
      )}
      <div class="code-block">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre class="output" tabIndex={0}>
          {parts.map(({ text: part, style, color, background }, place) =>
            style === '' && color === undefined && background === undefined ? (
              part
            ) : (
              <span
                key={place}
                class={style}
                style={{
                  ...(color === undefined ? {} : { color: `rgb(${color})` }),
                  ...(background === undefined ? {} : { backgroundColor: `rgb(${background})` }),
                }}
              >
                {part}
              </span>
            ),
          )}
        </pre>
        <CopyButton text={() => parts.map(({ text: part }) => part).join('')} />
      </div>
    </>
  );
}
