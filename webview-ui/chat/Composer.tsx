import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../src/shared/errors.ts';
import { hasEnded } from '../../src/shared/session.ts';
import type { ContextEntry } from '../../src/shared/webview.ts';
import { Chips } from './composer/Chips.tsx';
import { type Completion, completionAt, without } from './composer/completion.ts';
import { Pickers } from './composer/Pickers.tsx';
import { type Choice, moved, Popup } from './composer/Popup.tsx';
import { attachmentOf, uriList } from './composer/pasted.ts';
import { PromptHistory } from './composer/promptHistory.ts';
import { commandsFor, parseCommand } from './composer/slashCommands.ts';
import { Icon, IconButton } from './Icon.tsx';
import type { ChatStore } from './store.ts';
import { compact } from './text.ts';

/** The unsent text is kept by the host this long after the last key, in ms. */
const KEEP_AFTER_MS = 300;
const LIST = 'composer-list';
const ENTRY_ICONS = {
  file: 'file',
  folder: 'folder',
  selection: 'list-selection',
  problems: 'warning',
} as const;
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
  const [completion, setCompletion] = useState<Completion | null>(null);
  const [entries, setEntries] = useState<readonly ContextEntry[] | null>(null);
  const [active, setActive] = useState(0);
  const { folder, problem } = store.window.value;
  const head = store.head.value;
  const live = store.turns.value.find(
    ({ turn }) => turn.value.status === 'running' || turn.value.status === 'waiting_for_approval',
  );
  const busy = store.turns.value.some(({ turn }) => !hasEnded(turn.value.status));
  const text = store.draft.value;
  const attached = store.attachments.value.length;
  const blocked = problem?.kind === 'untrusted' || problem?.kind === 'no_folder';
  const session = head?.id ?? null;

  // Only while the person is in this view: a window that opens must not lose its focus to the chat.
  useEffect(() => {
    if (document.hasFocus()) area.current?.focus();
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
  }, [folder, store]);
  const query = completion?.kind === 'context' ? completion.query : undefined;
  useEffect(() => {
    if (query === undefined) return undefined;
    let current = true;
    void store.ask('composer.find', { folder, query }).then((result) => {
      if (!current || result === undefined) return;
      setEntries(result.entries);
      setActive(0);
    });
    return () => {
      current = false;
    };
  }, [query, folder, store]);

  const close = () => {
    setCompletion(null);
    setEntries(null);
    setActive(0);
  };
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
    const next = completionAt(element.value, element.selectionStart);
    if (next?.kind !== completion?.kind) close();
    setCompletion(next);
    if (next?.kind === 'command') setActive(0);
  };

  const send = async () => {
    if (blocked || text.trim() === '') return;
    close();
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
    if (live === undefined || session === null || text.trim() === '' || attached > 0) return;
    const before = text;
    clearTimeout(keep.current);
    store.draft.value = '';
    const done = await store.steer(live.id, before);
    if (done === undefined) store.draft.value = before;
    await store.keepDraft();
  };

  const choices: Choice[] =
    completion === null
      ? []
      : completion.kind === 'command'
        ? commandsFor(completion.query, session !== null).map(({ name, icon, description, argument }) => ({
            id: name,
            label: argument === undefined ? `/${name}` : `/${name} …`,
            icon,
            detail: description,
          }))
        : (entries ?? []).map(({ kind, label }) => ({
            id: `${kind} ${label}`,
            label,
            icon: ENTRY_ICONS[kind],
            ...(kind === 'selection' ? { detail: 'selection' } : {}),
          }));
  const shown = completion !== null && (completion.kind === 'context' || choices.length > 0);
  const choose = (choice: Choice | undefined) => {
    if (choice === undefined || completion === null) return;
    if (completion.kind === 'command') {
      const command = commandsFor('', session !== null).find(({ name }) => name === choice.id);
      close();
      if (command === undefined) return;
      if (command.argument !== undefined) {
        put(`/${command.name} `);
        return;
      }
      put('');
      void command.run(store, '', session ?? '');
      return;
    }
    const entry = entries?.find(({ kind, label }) => `${kind} ${label}` === choice.id);
    put(without(text, completion), completion.from);
    close();
    if (entry === undefined) return;
    const { kind, label } = entry;
    const what = kind === 'file' || kind === 'folder' ? { kind, path: label } : { kind };
    void store.attach(what);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (shown) {
      const next = moved(event.key, active, choices.length);
      const takes = (event.key === 'Enter' || event.key === 'Tab') && choices.length > 0;
      if (next !== undefined && event.key.startsWith('Arrow')) setActive(next);
      else if (takes && !event.shiftKey && !event.altKey) choose(choices[active]);
      else if (event.key === 'Escape') close();
      else return plainKey(event);
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    plainKey(event);
  };
  const plainKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      void (event.altKey && live !== undefined ? steer() : send());
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
        store.failure.value = { code: 'ATTACHMENT_TOO_LARGE', message: messageOf(error) };
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
        {shown && (
          <Popup
            id={LIST}
            label={completion.kind === 'command' ? 'Commands' : 'Attach'}
            choices={choices}
            active={active}
            empty={entries === null ? 'Looking for files …' : 'Nothing fits.'}
            onChoose={choose}
          />
        )}
        <Chips store={store} />
        <textarea
          ref={area}
          value={text}
          rows={1}
          disabled={blocked}
          aria-label="Prompt"
          aria-autocomplete="list"
          aria-haspopup="listbox"
          aria-controls={shown ? LIST : undefined}
          aria-activedescendant={shown && choices.length > 0 ? `${LIST}-${active}` : undefined}
          placeholder={busy ? 'Queue another prompt' : 'Ask Codex (@ attaches, / commands)'}
          onInput={(event) => onInput(event.currentTarget)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
          onBlur={close}
        />
        <div class="tools">
          <IconButton
            icon="mention"
            label="Attach a file, folder, selection or problems (@)"
            disabled={blocked}
            onClick={() => {
              const value = text === '' || /\s$/.test(text) ? `${text}@` : `${text} @`;
              area.current?.focus();
              put(value);
              setCompletion(completionAt(value, value.length));
            }}
          />
          <Pickers store={store} />
          <span class="space" />
          {live !== undefined && session !== null && (
            <>
              <IconButton
                icon="debug-step-into"
                class="steer-button"
                label={
                  attached > 0
                    ? "Steer: attachments can't join a running turn; queue the prompt instead"
                    : 'Steer: add this to the running turn (Alt+Enter)'
                }
                disabled={text.trim() === '' || attached > 0}
                onClick={() => void steer()}
              />
              <IconButton
                icon="debug-stop"
                label="Stop"
                class="stop"
                onClick={() => void store.ask('cancel', { session })}
              />
            </>
          )}
          <button
            type="submit"
            class="icon-button send"
            disabled={blocked || text.trim() === ''}
            title={busy ? 'Queue (Enter)' : 'Send (Enter)'}
            aria-label={busy ? 'Queue' : 'Send'}
          >
            <Icon name="send" />
          </button>
        </div>
      </div>
      <Usage store={store} />
    </form>
  );
}

/** Where a new session goes, in a window with several folders. */
function FolderPicker({ store }: { store: ChatStore }) {
  const { folders, folder } = store.window.value;
  if (store.head.value !== null || folders.length < 2) return null;
  return (
    <label class="folder">
      <span>In</span>
      <select
        value={folder ?? ''}
        onChange={(event) => void store.ask('session.new', { folder: event.currentTarget.value })}
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

function Usage({ store }: { store: ChatStore }) {
  const head = store.head.value;
  if (head === null || head.tokens === 0) return null;
  const { context, tokens } = head;
  const percent = context === undefined ? 0 : Math.round((100 * context.used) / context.window);
  const share = context === undefined ? '' : ` · ${percent === 0 ? '<1' : percent}% of context`;
  const title =
    context === undefined
      ? `${tokens} tokens in this session`
      : `${tokens} tokens in this session; the model holds ${context.used} of ${context.window}`;
  return (
    <p class="usage" title={title}>
      {compact(tokens)} tokens{share}
    </p>
  );
}
