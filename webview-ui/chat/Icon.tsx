/** A codicon. It says nothing to a screen reader: the text beside it, or the button's label, does. */
export function Icon({ name, spin = false }: { name: string; spin?: boolean }) {
  return <span class={`codicon codicon-${name}${spin ? ' spin' : ''}`} aria-hidden="true" />;
}

export function IconButton(props: {
  icon: string;
  label: string;
  onClick: () => void;
  class?: string;
  disabled?: boolean;
  /** Of a button that is on or off. */
  pressed?: boolean;
}) {
  return (
    <button
      type="button"
      class={`icon-button ${props.class ?? ''}`}
      title={props.label}
      aria-label={props.label}
      disabled={props.disabled}
      aria-pressed={props.pressed}
      onClick={props.onClick}
    >
      <Icon name={props.icon} />
    </button>
  );
}
