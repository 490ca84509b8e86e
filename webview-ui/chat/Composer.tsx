import { useEffect, useRef } from 'preact/hooks';
import { messageOf } from '../../src/shared/errors.ts';
import { t } from '../l10n.ts';
import { Chips } from './composer/Chips.tsx';
import { without } from './composer/completion.ts';
import { FolderPicker } from './composer/FolderPicker.tsx';
import { type Choice, moved, Popup } from './composer/Popup.tsx';
import { attachmentOf, uriList } from './composer/pasted.ts';
import { PromptHistory } from './composer/promptHistory.ts';
import { parseCommand, SLASH_COMMANDS } from './composer/slashCommands.ts';
import { Tools } from './composer/Tools.tsx';
import { Usage } from './composer/Usage.tsx';
import { useCompletion } from './composer/useCompletion.ts';
import type { ChatStore } from './store.ts';

/** The unsent text is kept by the host this long after the last key, in ms. */
const KEEP_AFTER_MS = 300;
const LIST = 'composer-list';
/** VS Code's own views name what is dragged from them in this type. */
const URI_TYPES = ['application/vnd.code.uri-list', 'text/uri-list'];

/**
 * Where the next prompt is written. Enter sends, and queues while a turn runs; Alt+Enter steers the running
 * turn; Shift+Enter breaks the line; the arrow keys walk through earlier prompts.
 */
export function Composer({ store }: { store: ChatStore }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const keep = useRef<ReturnType<typeof setTimeout>>(undefined);
  const history = useRef(new PromptHistory());
  const list = useCompletion(store);
  const { folder, problem } = store.window.value;
  const head = store.head.value;
  const live = store.steerable.value;
  const text = store.draft.value;
  const attached = store.attachments.value.length;
  const blocked = problem?.kind === 'untrusted' || problem?.kind === 'no_folder';
  const session = head?.id ?? null;

  // Only while the person is in this view: a window that opens must not lose its focus to the chat. Nor must the
  // card, which somebody may have asked for.
  useEffect(() => {
    if (document.hasFocus() && !document.activeElement?.closest('.approval')) area.current?.focus();
  }, [session]);
  useEffect(() => {
    const onFocus = () => {
      if (document.activeElement === document.body) area.current?.focus();
    };
    window.addEventListener('focus', onFocus);
    return () => window.removeEventListener('focus', onFocus);
  }, []);
  useEffect(() => {
    let current = true;
    void store.ask('composer.history', { folder }).then((result) => {
      if (current && result !== undefined) history.current.load(result.prompts);
    });
    return () => {
      current = false;
    };
  }, [folder, session, store]);

  const change = (value: string) => {
    store.draft.value = value;
    clearTimeout(keep.current);
    keep.current = setTimeout(() => void store.keepDraft(), KEEP_AFTER_MS);
  };
  /** Puts a text in, with the caret at its end. */
  const put = (value: string, caret = value.length) => {
    change(value);
    // After the text was drawn.
    requestAnimationFrame(() => area.current?.setSelectionRange(caret, caret));
  };
  const onInput = (element: HTMLTextAreaElement) => {
    history.current.stop();
    change(element.value);
    list.update(element.value, element.selectionStart);
  };

  const send = async () => {
    if (blocked || text.trim() === '') return;
    list.close();
    clearTimeout(keep.current);
    const called = parseCommand(text, session !== null);
    const before = text;
    store.draft.value = '';
    const done =
      called === undefined
        ? await store.sendPrompt(text)
        : await called.command.run(store, called.argument, session ?? '');
    if (done === undefined) {
      // What could not be sent is not lost; what was written meanwhile stays behind it.
      store.draft.value = store.draft.value === '' ? before : `${before}\n${store.draft.value}`;
    } else {
      const result = await store.ask('composer.history', { folder });
      if (result !== undefined) history.current.load(result.prompts);
    }
    await store.keepDraft();
  };
  const steer = async () => {
    if (live === null || text.trim() === '' || attached > 0) return;
    const before = text;
    clearTimeout(keep.current);
    store.draft.value = '';
    const done = await store.steer(live, before);
    if (done === undefined) store.draft.value = before;
    await store.keepDraft();
  };

  const choose = (choice: Choice | undefined) => {
    const { completion } = list;
    if (choice === undefined || completion === null) return;
    list.close();
    if (completion.kind === 'context') {
      const entry = list.entryOf(choice);
      put(without(text, completion), completion.from);
      if (entry === undefined) return;
      const { kind, label } = entry;
      void store.attach(kind === 'file' || kind === 'folder' ? { kind, path: label } : { kind });
      return;
    }
    const command = SLASH_COMMANDS.find(({ name }) => name === choice.id);
    if (command === undefined) return;
    put(command.argument === undefined ? '' : `/${command.name} `);
    if (command.argument === undefined) void command.run(store, '', session ?? '');
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const { choices, active } = list;
    const next =
      list.shown && event.key.startsWith('Arrow') ? moved(event.key, active, choices.length) : undefined;
    const takes = (event.key === 'Enter' || event.key === 'Tab') && choices.length > 0;
    if (next !== undefined) list.setActive(next);
    else if (list.shown && takes && !event.shiftKey && !event.altKey) choose(choices[active]);
    else if (list.shown && event.key === 'Escape') list.close();
    else return plainKey(event);
    event.preventDefault();
    event.stopPropagation();
  };
  const plainKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      void (event.altKey && live !== null ? steer() : send());
      return;
    }
    const element = area.current;
    if (element === null || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const { selectionStart, selectionEnd, value } = element;
    if (selectionStart !== selectionEnd) return;
    const atStart = history.current.walking || selectionStart === 0;
    const atEnd = history.current.walking || selectionStart === value.length;
    const found =
      event.key === 'ArrowUp' && atStart && !value.slice(0, selectionStart).includes('\n')
        ? history.current.earlier(value)
        : event.key === 'ArrowDown' && atEnd && !value.slice(selectionStart).includes('\n')
          ? history.current.later()
          : undefined;
    if (found === undefined) return;
    event.preventDefault();
    // Up goes on from the beginning, so that the next Up walks on; Down from the end.
    put(found, event.key === 'ArrowUp' ? 0 : found.length);
  };

  const take = async (files: readonly File[]) => {
    for (const file of files) {
      try {
        const chosen = await attachmentOf(file);
        store.attachments.value = [...store.attachments.value, chosen];
      } catch (error) {
        store.failure.value = { code: 'ATTACHMENT_TOO_LARGE', message: messageOf(error), translated: true };
      }
    }
  };
  const onPaste = (event: ClipboardEvent) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    void take(files);
  };
  const onDrop = (event: DragEvent) => {
    const data = event.dataTransfer;
    if (data === null) return;
    const uris = URI_TYPES.map((type) => data.getData(type)).find((list) => list !== '');
    if (uris !== undefined) void store.attach({ kind: 'uris', uris: uriList(uris) });
    else if (data.files.length > 0) void take([...data.files]);
    else return;
    event.preventDefault();
  };

  return (
    <form
      class="composer"
      onDragOver={(event) => event.preventDefault()}
      onDrop={onDrop}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <FolderPicker store={store} />
      <div class="box">
        {list.shown && (
          <Popup
            id={LIST}
            label={list.completion?.kind === 'command' ? t('Commands') : t('Attach')}
            choices={list.choices}
            active={list.active}
            empty={list.empty}
            onChoose={choose}
          />
        )}
        <Chips store={store} />
        <textarea
          ref={area}
          value={text}
          rows={1}
          disabled={blocked}
          aria-label={t('Prompt')}
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls={list.shown ? LIST : undefined}
          aria-activedescendant={list.shown && list.choices.length > 0 ? `${LIST}-${list.active}` : undefined}
          placeholder={store.busy.value ? t('Queue another prompt') : t('Ask Codex (@ attaches, / commands)')}
          onInput={(event) => onInput(event.currentTarget)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
          onBlur={list.close}
        />
        <Tools
          store={store}
          blocked={blocked}
          empty={text.trim() === ''}
          onAttach={() => {
            const value = text === '' || /\s$/.test(text) ? `${text}@` : `${text} @`;
            area.current?.focus();
            put(value);
            list.update(value, value.length);
          }}
          onSteer={() => void steer()}
        />
      </div>
      <Usage store={store} />
    </form>
  );
}
