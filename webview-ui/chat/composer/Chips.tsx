import { t } from '../../l10n.ts';
import { Icon } from '../Icon.tsx';
import type { ChatStore } from '../store.ts';

const ICONS = {
  file: 'file',
  folder: 'folder',
  selection: 'list-selection',
  problems: 'warning',
  image: 'file-media',
  text: 'note',
} as const;

/** What goes along with the next prompt; each can be taken out again. */
export function Chips({ store }: { store: ChatStore }) {
  const attachments = store.attachments.value;
  if (attachments.length === 0) return null;
  const remove = (place: number) => {
    store.attachments.value = attachments.filter((_, other) => other !== place);
  };
  return (
    <ul class="chips" aria-label={t('Attachments')}>
      {attachments.map(({ label, icon, attachment }, place) => (
        <li key={`${place} ${label}`} class="chip" title={label}>
          {attachment.kind === 'image' ? (
            <img alt="" src={`data:${attachment.mimeType};base64,${attachment.data}`} />
          ) : (
            <Icon name={ICONS[icon]} />
          )}
          <span class="label">{label}</span>
          <button
            type="button"
            class="remove"
            aria-label={t('Remove {0}', label)}
            title={t('Remove {0}', label)}
            onClick={() => remove(place)}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}
