import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { t } from '../../l10n.ts';
import { Icon } from '../Icon.tsx';
import { type Choice, moved, Popup } from './Popup.tsx';

interface PickerProps {
  /** What is chosen here, for the list and screen readers. */
  readonly label: string;
  readonly icon: string;
  /** What is chosen now. */
  readonly value: string;
  /** The icon alone says it: nothing was chosen. */
  readonly quiet?: boolean;
  readonly choices: readonly Choice[];
  readonly empty: string;
  /** The list is about to be shown. */
  onOpen(): void;
  onChoose(id: string): void;
}

/** A button that opens a list: arrows move, Enter takes, Escape leaves. */
export function Picker({ label, icon, value, quiet = false, choices, empty, onOpen, onChoose }: PickerProps) {
  const [active, setActive] = useState<number | null>(null);
  const frame = useRef<HTMLDivElement>(null);
  const id = useId();
  const open = active !== null;
  useEffect(() => {
    if (!open) return undefined;
    const close = (event: Event) => {
      if (event.target instanceof Node && frame.current?.contains(event.target) === true) return;
      setActive(null);
    };
    document.addEventListener('pointerdown', close);
    return () => document.removeEventListener('pointerdown', close);
  }, [open]);
  const show = () => {
    onOpen();
    setActive(
      Math.max(
        0,
        choices.findIndex(({ selected }) => selected === true),
      ),
    );
  };
  const choose = (choice: Choice | undefined) => {
    setActive(null);
    if (choice !== undefined) onChoose(choice.id);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (active === null) {
      if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
      event.preventDefault();
      show();
      return;
    }
    const next = moved(event.key, active, choices.length);
    if (next !== undefined) setActive(next);
    else if (event.key === 'Enter' || event.key === ' ') choose(choices[active]);
    else if (event.key === 'Escape') setActive(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="picker" ref={frame}>
      <button
        type="button"
        class="picker-button"
        title={t('{0}: {1}', label, value)}
        role="combobox"
        aria-label={label}
        aria-haspopup="listbox"
        aria-expanded={open}
        aria-controls={open ? id : undefined}
        aria-activedescendant={open && choices.length > 0 ? `${id}-${active}` : undefined}
        onClick={() => (open ? setActive(null) : show())}
        onKeyDown={onKeyDown}
        onBlur={() => setActive(null)}
      >
        <Icon name={icon} />
        <span class={quiet ? 'sr-only' : 'value'}>{value}</span>
      </button>
      {open && (
        <Popup id={id} label={label} choices={choices} active={active} empty={empty} onChoose={choose} />
      )}
    </div>
  );
}
