import type { PanelTab } from '../../src/shared/panel.ts';
import { type MessagePort, RpcClient } from '../../src/shared/rpc.ts';
import { type TerminalViewContract, terminalPort } from '../../src/shared/terminalView.ts';

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

export interface HostLine {
  readonly host: RpcClient<TerminalViewContract>;
  /** Has VS Code keep which tab to bring back after a reload, beside what the panel's own document keeps. */
  keepTab(tab: PanelTab): void;
}

/** The line to the extension host. May be made once only. */
export function hostLine(session: string): HostLine {
  const api = acquireVsCodeApi();
  const keepTab = (tab: PanelTab) => {
    const kept = api.getState();
    api.setState({ ...(typeof kept === 'object' ? kept : {}), session, tab });
  };
  const port: MessagePort = {
    send: (message) => api.postMessage(message),
    onMessage(listener) {
      // VS Code's own frame around this one has the same origin; nobody else speaks for the host.
      const receive = (event: MessageEvent) => event.origin === window.origin && listener(event.data);
      window.addEventListener('message', receive);
      return { dispose: () => window.removeEventListener('message', receive) };
    },
    // A webview ends together with its line.
    onClose: () => ({ dispose() {} }),
  };
  return { host: new RpcClient<TerminalViewContract>(terminalPort(port)), keepTab };
}
