import type { Message, MessagePort } from '../../src/shared/rpc.ts';

export interface VsCodeApi {
  postMessage(message: unknown): void;
  /** What {@link setState} was given last, also before a reload. */
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** May be asked for once only. */
export function vscodeApi(): VsCodeApi {
  return acquireVsCodeApi();
}

/** The line to the extension host. */
export function hostPort(api: Pick<VsCodeApi, 'postMessage'> = vscodeApi()): MessagePort {
  return {
    send: (message: Message) => api.postMessage(message),
    onMessage(listener) {
      // VS Code's own frame around this one has the same origin; nobody else speaks for the host.
      const receive = (event: MessageEvent) => event.origin === window.origin && listener(event.data);
      window.addEventListener('message', receive);
      return { dispose: () => window.removeEventListener('message', receive) };
    },
    // A webview ends together with its line.
    onClose: () => ({ dispose() {} }),
  };
}
