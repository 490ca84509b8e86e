import { useEffect, useRef } from 'preact/hooks';
import { hasEnded } from '../../src/shared/session.ts';
import { Icon, IconButton } from './Icon.tsx';
import type { ChatStore } from './store.ts';
import { compact } from './text.ts';

/** The unsent text is kept by the host this long after the last key, in ms. */
const KEEP_AFTER_MS = 300;

/** Where the next prompt is written. Enter sends, Shift+Enter breaks the line; while a turn runs it queues. */
export function Composer({ store }: { store: ChatStore }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const keep = useRef<ReturnType<typeof setTimeout>>(undefined);
  const { folders, folder, problem } = store.window.value;
  const head = store.head.value;
  const running = store.turns.value.some((slot) => !hasEnded(slot.turn.value.status));
  const text = store.draft.value;
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

  const change = (value: string) => {
    store.draft.value = value;
    clearTimeout(keep.current);
    keep.current = setTimeout(() => void store.keepDraft(), KEEP_AFTER_MS);
  };
  const send = async () => {
    const prompt = text;
    if (prompt.trim() === '' || blocked) return;
    clearTimeout(keep.current);
    store.draft.value = '';
    const sent = await store.ask('prompt', { session, prompt, ...(folder === null ? {} : { folder }) });
    // What could not be sent is not lost; what was written meanwhile stays behind it.
    if (sent === undefined) {
      store.draft.value = store.draft.value === '' ? prompt : `${prompt}\n${store.draft.value}`;
    }
    await store.keepDraft();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {session === null && folders.length > 1 && (
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
      )}
      <div class="box">
        <textarea
          ref={area}
          value={text}
          rows={1}
          disabled={blocked}
          aria-label="Prompt"
          placeholder={running ? 'Queue another prompt' : 'Ask Codex'}
          onInput={(event) => change(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <div class="tools">
          <Usage store={store} />
          {running && session !== null && (
            <IconButton
              icon="debug-stop"
              label="Stop"
              class="stop"
              onClick={() => void store.ask('cancel', { session })}
            />
          )}
          <button
            type="submit"
            class="icon-button send"
            disabled={blocked || text.trim() === ''}
            title={running ? 'Queue (Enter)' : 'Send (Enter)'}
            aria-label={running ? 'Queue' : 'Send'}
          >
            <Icon name="send" />
          </button>
        </div>
      </div>
    </form>
  );
}

function Usage({ store }: { store: ChatStore }) {
  const head = store.head.value;
  if (head === null || head.tokens === 0) return <span class="usage" />;
  const { context, tokens } = head;
  const percent = context === undefined ? 0 : Math.round((100 * context.used) / context.window);
  const share = context === undefined ? '' : ` · ${percent === 0 ? '<1' : percent}% of context`;
  const title =
    context === undefined
      ? `${tokens} tokens in this session`
      : `${tokens} tokens in this session; the model holds ${context.used} of ${context.window}`;
  return (
    <span class="usage" title={title}>
      {compact(tokens)} tokens{share}
    </span>
  );
}
