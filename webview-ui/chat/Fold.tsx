import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

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
  return (
    <details
      class={name}
      open={open}
      onToggle={(event) => {
        if (event.currentTarget.open) setOpened(true);
      }}
    >
      <summary title={title}>{summary}</summary>
      {opened && children()}
    </details>
  );
}
