import { useEffect } from 'preact/hooks';
import type { SandboxMode } from '../../../src/shared/session.ts';
import { t } from '../../l10n.ts';
import type { ChatStore } from '../store.ts';
import { Picker } from './Picker.tsx';
import type { Choice } from './Popup.tsx';

/** From the least to the most. */
const ACCESS: readonly { id: SandboxMode; label: string; short: string; detail: string; icon: string }[] = [
  {
    id: 'read-only',
    label: t('Read only'),
    short: t('Read'),
    detail: t('looks, changes nothing'),
    icon: 'eye',
  },
  {
    id: 'workspace-write',
    label: t('Workspace'),
    short: t('Workspace'),
    detail: t('may change this folder'),
    icon: 'edit',
  },
  {
    id: 'danger-full-access',
    label: t('Full access'),
    short: t('Full'),
    detail: t('no sandbox at all'),
    icon: 'unlock',
  },
];
const DEFAULT = '';

/** Model, reasoning effort and access: of the open session, or of the next new one. */
export function Pickers({ store }: { store: ChatStore }) {
  const { folder, problem } = store.window.value;
  const head = store.head.value;
  const options = store.options.value;
  const session = head?.id ?? null;
  useEffect(() => {
    if (problem === null) void store.loadOptions();
  }, [folder, session, problem, store]);
  if (options === null) return null;
  const chosen = head === null ? options.chosen : head.settings;
  const { defaults, ceiling, models } = options;

  const model = chosen.model ?? defaults.model;
  const known = models.find(({ id }) => id === model);
  const efforts = known?.efforts ?? [...new Set(models.flatMap((each) => each.efforts))];
  const access = ACCESS.find(({ id }) => id === (chosen.sandbox ?? defaults.sandbox));
  const allowed = ACCESS.slice(0, ACCESS.findIndex(({ id }) => id === ceiling) + 1);

  const onOpen = () => void store.loadOptions();
  const choose = (choice: Parameters<ChatStore['choose']>[0]) => void store.choose(choice);
  const byDefault = (name: string | undefined): Choice => ({
    id: DEFAULT,
    label: t('Default'),
    icon: 'blank',
    ...(name === undefined ? {} : { detail: name }),
  });
  const marked = (list: readonly Choice[], id: string | undefined): Choice[] =>
    list.map((choice) => (choice.id === (id ?? DEFAULT) ? { ...choice, selected: true } : choice));

  return (
    <div class="pickers">
      <Picker
        label={t('Model')}
        icon="sparkle"
        value={known?.name ?? model ?? t('Default')}
        choices={marked(
          [byDefault(defaults.model), ...models.map(({ id, name }) => ({ id, label: name, icon: 'blank' }))],
          chosen.model,
        )}
        empty={t('Codex tells its models when it has started.')}
        onOpen={onOpen}
        onChoose={(id) => choose({ model: id === DEFAULT ? null : id })}
      />
      <Picker
        label={t('Reasoning effort')}
        icon="lightbulb"
        value={chosen.effort ?? defaults.effort ?? t('Default')}
        quiet={chosen.effort === undefined && defaults.effort === undefined}
        choices={marked(
          [byDefault(defaults.effort), ...efforts.map((id) => ({ id, label: id, icon: 'blank' }))],
          chosen.effort,
        )}
        empty={t('Codex tells its efforts when it has started.')}
        onOpen={onOpen}
        onChoose={(id) => choose({ effort: id === DEFAULT ? null : id })}
      />
      <Picker
        label={t('Access')}
        icon={access?.icon ?? 'edit'}
        value={access?.short ?? t('Default')}
        choices={marked(allowed, access?.id)}
        empty=""
        onOpen={onOpen}
        // One of the list, which has these values only.
        onChoose={(id) => choose({ sandbox: id as SandboxMode })}
      />
    </div>
  );
}
