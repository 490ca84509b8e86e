import { useEffect } from 'preact/hooks';
import type { ChangesStore, Place } from './changesStore.ts';

/** Where the keyboard can stop: at a file's name, or at one of its hunks. */
interface Stop {
  /** Among the files that are shown. */
  readonly file: number;
  /** -1: the name. */
  readonly hunk: number;
}

/**
 * The stop after or before one; undefined at either end.
 *
 * @param hunks how many each file has; 0 for one that is closed or not read yet
 */
export function nextStop(at: Stop, hunks: readonly number[], way: 1 | -1): Stop | undefined {
  if (way === 1) {
    if (at.hunk + 1 < (hunks[at.file] ?? 0)) return { file: at.file, hunk: at.hunk + 1 };
    return at.file + 1 < hunks.length ? { file: at.file + 1, hunk: -1 } : undefined;
  }
  if (at.hunk >= 0) return { file: at.file, hunk: at.hunk - 1 };
  const file = at.file - 1;
  return file < 0 ? undefined : { file, hunk: (hunks[file] ?? 0) - 1 };
}

/**
 * Keys of the changes tab. F7 and Shift+F7 lead from change to change, as in VS Code's diff editor, wherever the
 * keyboard is in the panel; on a file's name the arrow keys, Home and End lead to other files, open and close.
 */
export function useChangeKeys(list: { readonly current: HTMLElement | null }, changes: ChangesStore): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const element = list.current;
      if (element === null || event.altKey || event.ctrlKey || event.metaKey) return;
      const done =
        event.key === 'F7'
          ? goOn(element, changes, event.shiftKey ? -1 : 1)
          : !event.shiftKey && amongFiles(element, event);
      if (done) event.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [list, changes]);
}

function goOn(list: HTMLElement, changes: ChangesStore, way: 1 | -1): boolean {
  const files = filesOf(list);
  const hunks = files.map((file) =>
    Number(file.querySelector<HTMLElement>('.file-diff')?.dataset['hunks'] ?? 0),
  );
  const at = onTheWay(files, changes) ?? stopAt(list, files) ?? beforeFirstSeen(list, files, way);
  const next = nextStop(at, hunks, way);
  const file = files[next?.file ?? -1];
  if (next === undefined || file === undefined) return false;
  changes.reached();
  if (next.hunk < 0) focusName(file);
  else {
    const turn = file.closest<HTMLElement>('.turn-changes')?.dataset['turn'] ?? '';
    changes.goTo({ turn, path: file.dataset['path'] ?? '', hunk: next.hunk });
  }
  return true;
}

function amongFiles(list: HTMLElement, event: KeyboardEvent): boolean {
  const name = document.activeElement;
  if (!(name instanceof HTMLElement) || !name.matches('.file-name') || !list.contains(name)) return false;
  const files = filesOf(list);
  const at = files.findIndex((file) => file.contains(name));
  const open = name.ariaExpanded === 'true';
  switch (event.key) {
    case 'ArrowDown':
      return focusName(files[at + 1]);
    case 'ArrowUp':
      return focusName(files[at - 1]);
    case 'Home':
      return focusName(files[0]);
    case 'End':
      return focusName(files.at(-1));
    case 'ArrowRight':
    case 'ArrowLeft':
      if (open === (event.key === 'ArrowLeft')) name.click();
      return true;
    default:
      return false;
  }
}

function filesOf(list: HTMLElement): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>('.changed-file')];
}

function focusName(file: HTMLElement | undefined): boolean {
  const name = file?.querySelector<HTMLElement>('.file-name');
  name?.focus();
  return name !== undefined && name !== null;
}

function isAt(file: HTMLElement, { turn, path }: Place): boolean {
  return (
    file.dataset['path'] === path && file.closest<HTMLElement>('.turn-changes')?.dataset['turn'] === turn
  );
}

/** The hunk that the keyboard is on its way to: keys come faster than it is drawn. */
function onTheWay(files: readonly HTMLElement[], changes: ChangesStore): Stop | undefined {
  const goal = changes.goal.peek();
  const file = goal === null ? -1 : files.findIndex((one) => isAt(one, goal));
  return file < 0 ? undefined : { file, hunk: goal?.hunk ?? -1 };
}

/** Where the keyboard is. */
function stopAt(list: HTMLElement, files: readonly HTMLElement[]): Stop | undefined {
  const active = document.activeElement;
  const file = files.findIndex((one) => one.contains(active));
  if (active === null || file < 0 || !list.contains(active)) return undefined;
  const hunk = active.closest<HTMLElement>('.hunk')?.dataset['hunk'];
  return { file, hunk: hunk === undefined ? -1 : Number(hunk) };
}

/** With the keyboard elsewhere one begins at what is seen. */
function beforeFirstSeen(list: HTMLElement, files: readonly HTMLElement[], way: 1 | -1): Stop {
  const { top } = list.getBoundingClientRect();
  const seen = files.findIndex((file) => file.getBoundingClientRect().bottom > top);
  const file = seen < 0 ? files.length : seen;
  return way === 1 ? { file: file - 1, hunk: Number.MAX_SAFE_INTEGER } : { file, hunk: -1 };
}
