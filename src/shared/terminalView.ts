import * as z from 'zod/mini';
import type { ErrorInfo } from './errors.ts';
import { envelopedPort, type MessagePort, type ParamSchemas } from './rpc.ts';
import type { TerminalExit, TerminalScreen, TerminalSize } from './terminal.ts';
import { MAX_TERMINAL_INPUT, terminalParams } from './terminal.ts';

/**
 * The contract between the extension host and the document that shows a session's terminal. The document asks
 * for `ready` once, then `open`s; the screen and all that follows come as events, which keep their order.
 */
const { cols, rows, colors } = terminalParams['terminal.open'].shape;

const path = z.string().check(z.minLength(1), z.maxLength(4096));
const place = z.int().check(z.gte(0));

/** UTF-16 units. */
const MAX_COPIED = 10_000_000;

export const terminalViewParams = {
  /** The document is there and wants to know how it shall look. */
  ready: z.object({}),
  /** Joins the terminal, started where there is none; answers with the event `screen`. */
  open: z.object({ cols, rows, colors }),
  /** Ends the program for all viewers and starts a new one on the same thread, as `open` does. */
  restart: z.object({ cols, rows, colors }),
  input: z.object({ data: z.string().check(z.maxLength(MAX_TERMINAL_INPUT)) }),
  resize: z.object({ cols, rows, colors, focused: z.boolean() }),
  /** So many characters of `data` events are drawn; those of `screen` do not count. */
  ack: z.object({ chars: z.int().check(z.gte(0)) }),
  /** What is selected goes to the person's clipboard. */
  copy: z.object({ text: z.string().check(z.maxLength(MAX_COPIED)) }),
  /** A link in the output was clicked: only the web is reached from here, and VS Code asks first. */
  'link.open': z.object({ href: z.string().check(z.maxLength(8192), z.regex(/^https?:\/\//i)) }),
  /** Which of these printed paths are files of the session's folder. */
  'files.known': z.object({ paths: z.array(path).check(z.maxLength(64)) }),
  /** A path in the output was clicked; lines and columns count from 1. */
  'file.open': z.object({ path, line: z.exactOptional(place), column: z.exactOptional(place) }),
  /** Another tab of the panel that the terminal is a tab of. */
  tab: z.object({ tab: z.enum(['chat', 'changes']) }),
  /** Shows the same terminal in VS Code's own. */
  integrated: z.object({}),
};

export type OtherTab = z.infer<typeof terminalViewParams.tab>['tab'];

/** How VS Code's terminals look by the person's settings. */
export interface TerminalLook {
  /** The session's title. */
  readonly title: string;
  readonly fontFamily: string;
  /** Pixels. */
  readonly fontSize: number;
  readonly fontWeight: string;
  readonly fontWeightBold: string;
  /** A factor. */
  readonly lineHeight: number;
  /** Pixels. */
  readonly letterSpacing: number;
  readonly cursorStyle: 'block' | 'underline' | 'bar';
  readonly cursorBlink: boolean;
  readonly minimumContrastRatio: number;
  readonly macOptionIsMeta: boolean;
  /** True where the person has said so; what VS Code finds out by itself it tells every webview. */
  readonly screenReader: boolean;
}

export interface TerminalViewContract {
  requests: {
    ready: { params: z.infer<typeof terminalViewParams.ready>; result: TerminalLook };
    open: { params: z.infer<typeof terminalViewParams.open>; result: null };
    restart: { params: z.infer<typeof terminalViewParams.restart>; result: null };
    input: { params: z.infer<typeof terminalViewParams.input>; result: null };
    resize: { params: z.infer<typeof terminalViewParams.resize>; result: null };
    ack: { params: z.infer<typeof terminalViewParams.ack>; result: null };
    copy: { params: z.infer<typeof terminalViewParams.copy>; result: null };
    'link.open': { params: z.infer<(typeof terminalViewParams)['link.open']>; result: null };
    'files.known': {
      params: z.infer<(typeof terminalViewParams)['files.known']>;
      /** In the order of the paths. */
      result: { known: readonly boolean[] };
    };
    'file.open': { params: z.infer<(typeof terminalViewParams)['file.open']>; result: null };
    tab: { params: z.infer<typeof terminalViewParams.tab>; result: null };
    integrated: { params: z.infer<typeof terminalViewParams.integrated>; result: null };
  };
  events: {
    look: TerminalLook;
    /** Replaces all that is shown. */
    screen: Pick<TerminalScreen, 'screen' | 'cols' | 'rows'>;
    data: { data: string };
    resized: TerminalSize;
    exited: TerminalExit;
    /** The bridge went away; `back` tells when to open again. */
    lost: ErrorInfo;
    back: Record<string, never>;
    /** The keyboard goes to the terminal. */
    focus: Record<string, never>;
  };
}

export const terminalViewSchemas: ParamSchemas<TerminalViewContract> = terminalViewParams;

const ENVELOPE = 'terminal';

/**
 * The terminal's line on a webview whose chat has one, too: its messages travel as an event that the chat's
 * contract does not have.
 */
export function terminalPort(port: MessagePort): MessagePort {
  return envelopedPort(port, ENVELOPE);
}

/** Cuts what was typed or pasted into parts that one message may carry, never inside a character. */
export function inputParts(text: string, most = MAX_TERMINAL_INPUT): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + most);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff && end - at > 1) end -= 1;
    parts.push(text.slice(at, end));
    at = end;
  }
  return parts;
}
