import type { Socket } from 'node:net';
import type { Traffic } from '../../shared/counters.ts';

/** Bytes of a door's connections, those that are open and those that were. The sockets do the counting. */
export class TrafficCount {
  readonly #open = new Set<Socket>();
  #in = 0;
  #out = 0;

  watch(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#in += socket.bytesRead;
      this.#out += socket.bytesWritten;
    });
  }

  read(): Traffic {
    const sum = { in: this.#in, out: this.#out };
    for (const { bytesRead, bytesWritten } of this.#open) {
      sum.in += bytesRead;
      sum.out += bytesWritten;
    }
    return sum;
  }
}
