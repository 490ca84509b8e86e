/** The parts of a key press that decide who gets it. */
export type Key = Pick<KeyboardEvent, 'type' | 'key' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>;

/**
 * `terminal`: typed to the program. `paste`: the browser's own. `window`: a shortcut of VS Code's. `leave`: to what
 * is above the terminal, since Tab is the program's.
 */
export type KeyUse = 'terminal' | 'find' | 'copy' | 'paste' | 'window' | 'leave';

/** Who gets a key: the program as much as possible, VS Code what leads out of a terminal. */
export function useOf(key: Key, { selection, mac }: { selection: boolean; mac: boolean }): KeyUse {
  if (key.altKey) return 'terminal';
  const name = key.key.toLowerCase();
  const command = mac ? key.metaKey && !key.ctrlKey : key.ctrlKey && !key.metaKey;
  if (!command) {
    if (key.metaKey && !key.ctrlKey) return 'window';
    if (name === 'f6' && !key.ctrlKey) return key.shiftKey ? 'window' : 'leave';
    return name === 'f1' || (key.ctrlKey && name === 'tab') ? 'window' : 'terminal';
  }
  if (name === 'f' && !key.shiftKey) return 'find';
  if (name === 'c') {
    // Without a selection it interrupts; with Shift it never does.
    if (selection) return 'copy';
    if (key.shiftKey) return 'window';
    return mac ? 'window' : 'terminal';
  }
  if (name === 'v') return 'paste';
  if (mac || key.shiftKey || name === 'tab' || name === 'pageup' || name === 'pagedown') return 'window';
  // VS Code's own terminal keeps these from the program, too.
  return /^[`\d]$/.test(name) ? 'window' : 'terminal';
}
