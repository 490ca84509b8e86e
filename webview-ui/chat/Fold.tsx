import type { ComponentChildren } from 'preact';
import { useContext, useState } from 'preact/hooks';
import { InTranscript } from './rovingFocus.ts';

interface FoldProps {
  readonly class: string;
  readonly title?: string;
  readonly summary: ComponentChildren;
  readonly open?: boolean;
  /** Drawn when it is opened for the first time: a long session has thousands of folded things. */
  readonly children: () => ComponentChildren;
}

/** Details behind one line. */
export function Fold({ class: name, title, summary, open = false, children }: FoldProps) {
  const [opened, setOpened] = useState(open);
  // There the arrow keys go from one to the next, and Tab passes by.
  const entry = useContext(InTranscript) ? { 'data-entry': true, tabIndex: -1 } : {};
  return (
    <details
      class={name}
      open={open}
      onToggle={(event) => {
        if (event.currentTarget.open) setOpened(true);
      }}
    >
      <summary title={title} {...entry}>
        {summary}
      </summary>
      {opened && children()}
    </details>
  );
}
