import { useEffect, useMemo, useRef } from 'preact/hooks';
import { decorateCode } from './codeBlocks.ts';
import { GrowingMarkdown, renderMarkdown } from './markdown.ts';
import { memo } from './memo.ts';

/** `open`: it still grows, so its code is coloured when it is closed. */
const Block = memo(({ html, open }: { html: string; open: boolean }) => (
  <Html key={open ? 'open' : 'closed'} html={html} open={open} />
));

function Html({ html, open }: { html: string; open: boolean }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open && element.current !== null) decorateCode(element.current);
  }, [html, open]);
  // Sanitised by markdown.ts, and the CSP runs no script.
  return <div class="block" ref={element} dangerouslySetInnerHTML={{ __html: html }} />;
}

/** Markdown of a finished text: rendered once. */
export function Markdown({ text }: { text: string }) {
  const html = useMemo(() => renderMarkdown(text), [text]);
  return (
    <div class="markdown">
      <Block html={html} open={false} />
    </div>
  );
}

/** Markdown of a text that still grows: only its last block is drawn again. */
export function LiveMarkdown({ text }: { text: string }) {
  const growing = useRef<GrowingMarkdown>(null);
  growing.current ??= new GrowingMarkdown();
  const blocks = growing.current.update(text);
  return (
    <div class="markdown live">
      {blocks.map((html, place) => (
        <Block key={place} html={html} open={place === blocks.length - 1} />
      ))}
    </div>
  );
}
