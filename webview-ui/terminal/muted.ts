import type { Terminal } from '@xterm/xterm';
import { ANSWERED_BY_BRIDGE } from '../../src/shared/terminal.ts';

/** Sets a colour of the palette, or asks for one (`4;1;?`). */
const PALETTE = 4;
/** Reads and writes the clipboard: no program gets at it. */
const CLIPBOARD = 52;
/** Titles: the bar has the session's. */
const TITLES = [0, 1, 2];

/**
 * Keeps the terminal from answering what the bridge answers, and from what no program may do to the window.
 * A handler that says it is done is the last one that is asked.
 */
export function mute({ parser }: Pick<Terminal, 'parser'>): void {
  const done = () => true;
  for (const id of ANSWERED_BY_BRIDGE.csi) parser.registerCsiHandler(id, done);
  for (const id of ANSWERED_BY_BRIDGE.dcs) parser.registerDcsHandler(id, done);
  // A colour that is set is shown; one that is asked for is answered by the bridge.
  const asks = (data: string) => data.split(';').includes('?');
  for (const code of [PALETTE, ...ANSWERED_BY_BRIDGE.oscColors]) parser.registerOscHandler(code, asks);
  for (const code of [CLIPBOARD, ...TITLES]) parser.registerOscHandler(code, done);
}
