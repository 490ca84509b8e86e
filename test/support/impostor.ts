import { createServer, type Server, type Socket } from 'node:net';

/** Whoever listens where the discovery file says; keeps all that it hears. */
export class Impostor {
  heard = '';
  connections = 0;
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  static async listen(at: string | number, answer: (line: string) => string): Promise<Impostor> {
    const impostor = new Impostor(answer);
    await new Promise<void>((resolve) =>
      impostor.#server.listen(
        { ...(typeof at === 'string' ? { path: at } : { port: at, host: '127.0.0.1' }) },
        resolve,
      ),
    );
    return impostor;
  }

  private constructor(answer: (line: string) => string) {
    this.#server = createServer((socket) => {
      this.connections += 1;
      this.#sockets.push(socket);
      socket.on('error', () => undefined).setEncoding('utf8');
      socket.on('data', (text: string) => {
        this.heard += text;
        for (const line of text.split('\n').filter((one) => one !== '')) socket.write(answer(line));
      });
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A good answer to each request, but for the proof. */
export const answers = (proof: unknown) => (line: string) => {
  const { id, method } = JSON.parse(line);
  const result = method === 'prove' ? proof : { contract: 1, version: '0.1.0', pid: 1, instance: 'i' };
  return `${JSON.stringify({ id, result })}\n`;
};
