import type { Socket } from 'node:net';

/**
 * Connections that have not shown a good token yet. There is room for so many; then the oldest is ended for the
 * newest. Whoever opens connections without end pushes out its own, while a caller with a token shows it at
 * once and can't be pushed out any more.
 */
export class UnprovenConnections {
  readonly #most: number;
  /** In the order in which they came. */
  readonly #sockets = new Set<Socket>();

  constructor(most: number) {
    this.#most = most;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#sockets.size <= this.#most) return;
    const [oldest] = this.#sockets;
    if (oldest === undefined) return;
    this.#sockets.delete(oldest);
    oldest.destroy();
  }

  has(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }

  /** It has shown a good token. */
  prove(socket: Socket): void {
    this.#sockets.delete(socket);
  }
}
