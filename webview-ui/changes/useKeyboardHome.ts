import { useEffect, useRef } from 'preact/hooks';

/**
 * When the button that was pressed is gone after its work, the keyboard goes to what the button belonged to,
 * and not to the beginning of the page.
 *
 * @param gone true once the work is done
 */
export function useKeyboardHome(gone: boolean, home: () => HTMLElement | null | undefined): void {
  const before = useRef(gone);
  useEffect(() => {
    const done = gone && !before.current;
    before.current = gone;
    if (done && document.hasFocus() && document.activeElement === document.body) {
      home()?.focus({ preventScroll: true });
    }
  }, [gone]);
}
