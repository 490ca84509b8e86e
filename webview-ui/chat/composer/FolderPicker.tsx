import { t } from '../../l10n.ts';
import type { ChatStore } from '../store.ts';

/** Where a new session goes, in a window with several folders. */
export function FolderPicker({ store }: { store: ChatStore }) {
  const { folders, folder } = store.window.value;
  if (store.head.value !== null || folders.length < 2) return null;
  return (
    <label class="folder">
      <span>{t('In')}</span>
      <select
        aria-label={t('In folder')}
        value={folder ?? ''}
        onChange={(event) => void store.chooseFolder(event.currentTarget.value)}
      >
        {folders.map(({ key, name }) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
