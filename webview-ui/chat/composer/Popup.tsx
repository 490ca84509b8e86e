import { useEffect, useRef } from 'preact/hooks';
import { Icon } from '../Icon.tsx';

export interface Choice {
  readonly id: string;
  readonly label: string;
  readonly icon: string;
  readonly detail?: string;
  readonly selected?: boolean;
}

interface PopupProps {
  readonly id: string;
  readonly label: string;
  readonly choices: readonly Choice[];
  /** The one that Enter takes. */
  readonly active: number;
  /** What is said where there is nothing to choose. */
  readonly empty: string;
  onChoose(choice: Choice): void;
}

/** A list above the composer. The focus stays where it is; who has it moves `active`. */
export function Popup({ id, label, choices, active, empty, onChoose }: PopupProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector('.active')?.scrollIntoView({ block: 'nearest' });
  }, [active, choices]);
  return (
    <div class="popup" ref={list}>
      {choices.length === 0 && (
        <p class="muted" role="status">
          {empty}
        </p>
      )}
      <div id={id} role="listbox" aria-label={label}>
        {choices.map((choice, place) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the text; aria-activedescendant tells which is active
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the text's
          <div
            key={choice.id}
            id={`${id}-${place}`}
            role="option"
            class={place === active ? 'active' : ''}
            aria-selected={place === active}
            title={choice.label}
            // So that the text keeps the focus.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => onChoose(choice)}
          >
            <Icon name={choice.selected === true ? 'check' : choice.icon} />
            <span class="label">{choice.label}</span>
            {choice.detail !== undefined && <span class="detail">{choice.detail}</span>}
          </div>
        ))}
      </div>
    </div>
  );
}

/** Where the arrow keys lead; undefined: the key is none of them. */
export function moved(key: string, active: number, count: number): number | undefined {
  if (count === 0) return undefined;
  switch (key) {
    case 'ArrowDown':
      return (active + 1) % count;
    case 'ArrowUp':
      return (active - 1 + count) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return undefined;
  }
}
