import { BridgeError } from '../../shared/errors.ts';

/** There is no terminal to do that with. */
export function notOpen(): BridgeError {
  return new BridgeError(
    'TERMINAL_NOT_OPEN',
    'This terminal is not open: its program has ended, or it was never opened here. Open it again.',
  );
}
