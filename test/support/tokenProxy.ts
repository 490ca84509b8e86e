import { once } from 'node:events';
import { createServer, request as httpRequest, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Stands before an endpoint and adds its token, for clients that have no option for a header. Its own `Host` and
 * `Origin` become the endpoint's; everything else goes through as it is, foreign ones too.
 */
export class TokenProxy {
  /** The `Last-Event-ID` of each request that takes up a stream again. */
  readonly resumed: string[] = [];
  readonly #server: Server;
  readonly #open = new Set<ServerResponse>();

  static async start({ url, token }: { readonly url: string; readonly token: string }): Promise<TokenProxy> {
    const proxy = new TokenProxy(new URL(url), token);
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  private constructor(target: URL, token: string) {
    this.#server = createServer((req, res) => {
      const own = `127.0.0.1:${this.#port}`;
      const { host = '', origin, ...headers } = req.headers;
      const last = headers['last-event-id'];
      if (typeof last === 'string') this.resumed.push(last);
      const ours = (text: string) =>
        text.replace('//localhost:', '//127.0.0.1:').replace(`//${own}`, `//${target.host}`);
      const sent = httpRequest(
        {
          host: target.hostname,
          port: target.port,
          path: target.pathname,
          method: req.method,
          headers: {
            ...headers,
            host: ours(`//${host}`).slice(2),
            ...(origin === undefined ? {} : { origin: ours(origin) }),
            authorization: `Bearer ${token}`,
          },
        },
        (answer) => {
          res.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(res);
          res.on('close', () => answer.destroy());
        },
      );
      sent.on('error', () => res.destroy());
      this.#open.add(res);
      res.on('close', () => {
        this.#open.delete(res);
        sent.destroy();
      });
      req.pipe(sent);
    });
  }

  /** Breaks every connection on which an answer is on its way. */
  cut(): void {
    for (const answer of this.#open) answer.destroy();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/mcp`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get #port(): number {
    // Listening on TCP, so the address is never a path or null.
    return (this.#server.address() as AddressInfo).port;
  }
}
