import { t } from '../../l10n.ts';
import { Icon, IconButton } from '../Icon.tsx';
import type { ChatStore } from '../store.ts';
import { Pickers } from './Pickers.tsx';

interface ToolsProps {
  readonly store: ChatStore;
  readonly blocked: boolean;
  readonly empty: boolean;
  onAttach(): void;
  onSteer(): void;
}

/** The row below the text: attach, choose, steer, stop, send. */
export function Tools({ store, blocked, empty, onAttach, onSteer }: ToolsProps) {
  const session = store.head.value?.id ?? null;
  const attached = store.attachments.value.length > 0;
  const busy = store.busy.value;
  return (
    <div class="tools">
      <IconButton
        icon="mention"
        label={t('Attach a file, folder, selection or problems (@)')}
        disabled={blocked}
        onClick={onAttach}
      />
      <Pickers store={store} />
      <span class="space" />
      {store.live.value !== null && session !== null && (
        <>
          {store.steerable.value !== null && (
            <IconButton
              icon="debug-step-into"
              class="steer-button"
              label={
                attached
                  ? t("Steer: attachments can't join a running turn; queue the prompt instead")
                  : t('Steer: add this to the running turn (Alt+Enter)')
              }
              disabled={empty || attached}
              onClick={onSteer}
            />
          )}
          <IconButton
            icon="debug-stop"
            label={t('Stop')}
            class="stop"
            onClick={() => void store.ask('cancel', { session })}
          />
        </>
      )}
      <button
        type="submit"
        class="icon-button send"
        disabled={blocked || empty}
        title={busy ? t('Queue (Enter)') : t('Send (Enter)')}
        aria-label={busy ? t('Queue') : t('Send')}
      >
        <Icon name="send" />
      </button>
    </div>
  );
}
