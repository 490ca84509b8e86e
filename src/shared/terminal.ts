import * as z from 'zod/mini';
import type { SessionId } from './session.ts';

/**
 * The terminal of a session: Codex's own TUI in a PTY of the bridge, on the session's thread. One PTY has one
 * size: the viewer that last had the focus sets it, the others are told and letterbox. So it does with the
 * colours.
 */
export interface TerminalSize {
  /** Columns. */
  readonly cols: number;
  readonly rows: number;
}

const COLS = { min: 20, max: 500 } as const;
const ROWS = { min: 5, max: 200 } as const;

/** The nearest size that a PTY gets: a panel that is being laid out may say 0, or far too much. */
export function clampSize({ cols, rows }: TerminalSize): TerminalSize {
  return { cols: clamp(cols, COLS), rows: clamp(rows, ROWS) };
}

function clamp(value: number, { min, max }: { min: number; max: number }): number {
  return Math.min(max, Math.max(min, Math.floor(value)));
}

/**
 * Flow control, in characters (UTF-16 units): a viewer with more than `high` that it has not acknowledged gets
 * nothing until it is below `low` again. It acknowledges the text of each `terminal.data` once it has drawn
 * it, best in portions of `ack`. The `screen` that `terminal.open` answers with is not acknowledged.
 */
export const TERMINAL_FLOW = { high: 100_000, low: 5_000, ack: 5_000 } as const;

/** One `terminal.input`, in UTF-16 units; a longer paste is sent in parts. */
export const MAX_TERMINAL_INPUT = 64 * 1024;

/**
 * Questions of programs that the bridge answers itself, once, whether or not somebody looks on. A viewer must
 * not answer them a second time: it registers a handler for each of these with xterm.js' parser that does
 * nothing and says it is done. (Colours, OSC 10 to 12: only where the text is `?`.)
 */
export const ANSWERED_BY_BRIDGE = {
  csi: [
    { final: 'c' },
    { prefix: '>', final: 'c' },
    { prefix: '=', final: 'c' },
    { final: 'n' },
    { prefix: '?', final: 'n' },
    { prefix: '>', final: 'q' },
    { intermediates: '$', final: 'p' },
    { prefix: '?', intermediates: '$', final: 'p' },
    { prefix: '?', final: 'u' },
  ],
  dcs: [
    { intermediates: '$', final: 'q' },
    { intermediates: '+', final: 'q' },
  ],
  oscColors: [10, 11, 12],
} as const;

const id = z.string().check(z.minLength(1), z.maxLength(128));
const cells = z.int().check(z.gte(0), z.lte(100_000));
const color = z.string().check(z.regex(/^#[0-9a-fA-F]{6}$/));

/** Of the theme: what a program is told that asks for them. */
const colors = z.exactOptional(z.object({ foreground: color, background: color }));

/** Parameters of the terminal's requests; a part of the face contract. */
export const terminalParams = {
  /**
   * Starts the terminal where there is none, and joins it. The same viewer again starts anew with a fresh
   * screen.
   */
  'terminal.open': z.object({
    session: id,
    /** The face's own name for what shows it; unique in its connection. */
    viewer: id,
    cols: cells,
    rows: cells,
    colors,
  }),
  'terminal.input': z.object({ session: id, data: z.string().check(z.maxLength(MAX_TERMINAL_INPUT)) }),
  /** What the viewer is like now. A bridge of an earlier version takes no notice of the colours. */
  'terminal.resize': z.object({
    session: id,
    viewer: id,
    cols: cells,
    rows: cells,
    focused: z.boolean(),
    colors,
  }),
  'terminal.ack': z.object({ session: id, viewer: id, chars: z.int().check(z.gte(0)) }),
  /** The viewer leaves; the terminal stays. */
  'terminal.close': z.object({ session: id, viewer: id }),
  /** Ends the program, for all viewers; opening starts a new one on the same thread. */
  'terminal.end': z.object({ session: id }),
  /** The same TUI for VS Code's own terminal, where this machine can have no PTY of the bridge's. */
  'terminal.command': z.object({ session: id }),
};

export type TerminalColors = NonNullable<z.infer<(typeof terminalParams)['terminal.open']>['colors']>;

/** What a viewer starts with. */
export interface TerminalScreen extends TerminalSize {
  /** To be written to an empty terminal of that size: the screen as it is now, not how it came to be. */
  readonly screen: string;
  readonly pid: number;
  /** The window title that the program has set; '' where none. */
  readonly title: string;
}

/** A program with its arguments, and what must be added to its environment. */
export interface TerminalCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface TerminalExit {
  readonly exitCode: number;
  readonly signal?: number;
}

/** A part of the face contract; a type, since interfaces have no index signature. */
export type TerminalRequests = {
  'terminal.open': { params: z.infer<(typeof terminalParams)['terminal.open']>; result: TerminalScreen };
  'terminal.input': { params: z.infer<(typeof terminalParams)['terminal.input']>; result: null };
  'terminal.resize': { params: z.infer<(typeof terminalParams)['terminal.resize']>; result: null };
  'terminal.ack': { params: z.infer<(typeof terminalParams)['terminal.ack']>; result: null };
  'terminal.close': { params: z.infer<(typeof terminalParams)['terminal.close']>; result: null };
  'terminal.end': { params: z.infer<(typeof terminalParams)['terminal.end']>; result: null };
  'terminal.command': {
    params: z.infer<(typeof terminalParams)['terminal.command']>;
    result: TerminalCommand;
  };
};

/** Only for the viewers that have opened it. */
export type TerminalEvents = {
  /** More output; what begins anew after a gap starts with a full reset (RIS). */
  'terminal.data': { session: SessionId; viewer: string; data: string };
  'terminal.resized': { session: SessionId; viewer: string } & TerminalSize;
  'terminal.titled': { session: SessionId; viewer: string; title: string };
  /** The program has ended, and with it the terminal; opening it again starts a new one. */
  'terminal.exited': { session: SessionId; viewer: string } & TerminalExit;
};
