import { useMemo, useRef } from 'preact/hooks';
import { GrowingMarkdown, renderMarkdown } from './markdown.ts';
import { memo } from './memo.ts';

const Block = memo(({ html }: { html: string }) => (
  // Sanitised by markdown.ts, and the CSP runs no script.
  <div class="block" dangerouslySetInnerHTML={{ __html: html }} />
));

/** Markdown of a finished text: rendered once. */
export function Markdown({ text }: { text: string }) {
  const html = useMemo(() => renderMarkdown(text), [text]);
  return (
    <div class="markdown">
      <Block html={html} />
    </div>
  );
}

/** Markdown of a text that still grows: only its last block is drawn again. */
export function LiveMarkdown({ text }: { text: string }) {
  const growing = useRef<GrowingMarkdown>(null);
  growing.current ??= new GrowingMarkdown();
  return (
    <div class="markdown live">
      {growing.current.update(text).map((html, place) => (
        <Block key={place} html={html} />
      ))}
    </div>
  );
}
