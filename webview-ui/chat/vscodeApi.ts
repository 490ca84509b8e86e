import type { Message, MessagePort } from '../../src/shared/rpc.ts';

interface VsCodeApi {
  postMessage(message: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** The line to the extension host. May be made once only. */
export function hostPort(): MessagePort {
  const api = acquireVsCodeApi();
  return {
    send: (message: Message) => api.postMessage(message),
    onMessage(listener) {
      const receive = (event: MessageEvent) => listener(event.data);
      window.addEventListener('message', receive);
      return { dispose: () => window.removeEventListener('message', receive) };
    },
    // A webview ends together with its line.
    onClose: () => ({ dispose() {} }),
  };
}
