import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../../shared/disposables.ts';
import { type MessagePort, RpcServer } from '../../shared/rpc.ts';
import type { SessionId } from '../../shared/session.ts';
import type { TerminalColors, TerminalSize } from '../../shared/terminal.ts';
import {
  type OtherTab,
  type TerminalLook,
  type TerminalViewContract,
  terminalPort,
  terminalViewSchemas,
} from '../../shared/terminalView.ts';
import type { BridgeLink } from '../bridgeLink.ts';
import type { FolderFiles } from './folderFiles.ts';
import { TerminalLine } from './terminalLine.ts';

export interface TerminalHostDeps {
  readonly link: BridgeLink;
  readonly session: SessionId;
  /** Starts or joins the bridge and lets it know the window's folders. */
  connect(): Promise<unknown>;
  look(): TerminalLook;
  /** The settings or the session's title may have changed. */
  onLook(listener: () => void): Disposable;
  openLink(href: string): Promise<void>;
  /** Of the session's folder. */
  readonly files: FolderFiles;
  openIntegrated(session: SessionId): Promise<void>;
  showTab(tab: OtherTab): void;
  onError(error: unknown): void;
}

export interface TerminalHost extends Disposable {
  /** The keyboard goes to the terminal, as soon as it is open: the person has asked for it just now. */
  focus(): void;
  /** Nobody sees it: its place is given up until it is shown, and asks, again. */
  hide(): void;
}

/** The host's side of one terminal document; ends with `dispose`, and the terminal goes on. */
export function attachTerminal(webview: vscode.Webview, deps: TerminalHostDeps): TerminalHost {
  const store = new DisposableStore();
  const line = store.add(
    new TerminalLine({
      link: deps.link,
      session: deps.session,
      onError: deps.onError,
      listener: {
        opened: ({ screen, cols, rows }) => server.emit('screen', { screen, cols, rows }),
        data: (data) => server.emit('data', { data }),
        resized: (size) => server.emit('resized', size),
        exited: ({ exitCode, signal }) =>
          server.emit('exited', { exitCode, ...(signal === undefined ? {} : { signal }) }),
        lost: () =>
          server.emit('lost', {
            code: 'CONNECTION_CLOSED',
            message: 'The bridge went away, and the terminal with it. Connecting again.',
          }),
        back: () => server.emit('back', {}),
      },
    }),
  );
  let opened = false;
  let focusAsked = false;
  const giveFocus = () => {
    if (!opened || !focusAsked) return;
    focusAsked = false;
    server.emit('focus', {});
  };
  const open = async ({ cols, rows, colors }: TerminalSize & { colors?: TerminalColors }) => {
    await deps.connect();
    await line.open({ cols, rows }, colors);
    opened = true;
    giveFocus();
    return null;
  };
  const server = store.add(
    new RpcServer<TerminalViewContract>(
      terminalPort(webviewPort(webview, store, deps.onError)),
      terminalViewSchemas,
      {
        ready: () => deps.look(),
        open,
        restart: async (params) => {
          await line.end();
          return open(params);
        },
        input: async ({ data }) => {
          await line.input(data);
          return null;
        },
        resize: ({ focused, colors, ...size }) => {
          line.resize(size, focused, colors);
          return null;
        },
        ack: ({ chars }) => {
          line.ack(chars);
          return null;
        },
        copy: async ({ text }) => {
          await vscode.env.clipboard.writeText(text);
          return null;
        },
        'link.open': async ({ href }) => {
          await deps.openLink(href);
          return null;
        },
        'files.known': async ({ paths }) => ({
          known: await Promise.all(paths.map((path) => deps.files.has(path))),
        }),
        'file.open': async ({ path, line, column }) => {
          await deps.files.open(path, line, column);
          return null;
        },
        tab: ({ tab }) => {
          deps.showTab(tab);
          return null;
        },
        integrated: async () => {
          await deps.openIntegrated(deps.session);
          return null;
        },
      },
    ),
  );
  store.add(deps.onLook(() => server.emit('look', deps.look())));
  return {
    focus: () => {
      focusAsked = true;
      giveFocus();
    },
    hide: () => {
      opened = false;
      line.close();
    },
    dispose: () => store.dispose(),
  };
}

function webviewPort(
  webview: vscode.Webview,
  store: DisposableStore,
  onError: (error: unknown) => void,
): MessagePort {
  return {
    send: (message) => {
      // A webview that is gone takes nothing; one that was hidden opens the terminal anew when it is back.
      if (!store.disposed) webview.postMessage(message).then(undefined, onError);
    },
    onMessage: (listener) => store.add(webview.onDidReceiveMessage(listener)),
    onClose: () => ({ dispose() {} }),
  };
}
