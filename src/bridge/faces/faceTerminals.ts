import type { Disposable } from '../../shared/disposables.ts';
import type { FaceContract } from '../../shared/faces.ts';
import type { Handlers } from '../../shared/rpc.ts';
import type { SessionId } from '../../shared/session.ts';
import type { TerminalEvents, TerminalRequests, TerminalScreen } from '../../shared/terminal.ts';
import { notOpen } from '../terminal/notOpen.ts';
import type { TerminalView, ViewOptions } from '../terminal/terminal.ts';
import type { TerminalApi } from '../terminal/terminalApi.ts';

interface Emit {
  data(event: TerminalEvents['terminal.data']): void;
  resized(event: TerminalEvents['terminal.resized']): void;
  titled(event: TerminalEvents['terminal.titled']): void;
  exited(event: TerminalEvents['terminal.exited']): void;
}

/** The viewers of one face. When the face goes they leave, and the terminals stay. */
export class FaceTerminals implements Disposable {
  readonly #terminals: TerminalApi;
  readonly #emit: Emit;
  /** By session, then by the face's own name for the viewer. */
  readonly #views = new Map<SessionId, Map<string, TerminalView>>();
  #disposed = false;

  constructor(terminals: TerminalApi, emit: Emit) {
    this.#terminals = terminals;
    this.#emit = emit;
  }

  /** `greeted` throws before the face has said hello, `person` where nobody sits at it. */
  handlers(greeted: () => void, person: () => void): Pick<Handlers<FaceContract>, keyof TerminalRequests> {
    return {
      'terminal.open': ({ session, viewer, ...options }) => {
        greeted();
        return this.#open(session, viewer, options);
      },
      'terminal.input': ({ session, data }) => {
        // Codex's own terminal takes answers to approvals, too.
        person();
        const [view] = this.#views.get(session)?.values() ?? [];
        if (view === undefined) throw notOpen();
        view.input(data);
        return null;
      },
      'terminal.resize': ({ session, viewer, focused, ...size }) => {
        this.#view(session, viewer).resize(size, focused);
        return null;
      },
      'terminal.ack': ({ session, viewer, chars }) => {
        // May still be on its way when the program has ended: nothing to say about that.
        this.#views.get(session)?.get(viewer)?.ack(chars);
        return null;
      },
      'terminal.close': ({ session, viewer }) => {
        this.#close(session, viewer);
        return null;
      },
      'terminal.end': async ({ session }) => {
        greeted();
        await this.#terminals.terminalsOf(session).end(session);
        return null;
      },
      'terminal.command': ({ session }) => {
        greeted();
        return this.#terminals.terminalsOf(session).command(session);
      },
    };
  }

  dispose(): void {
    this.#disposed = true;
    for (const views of this.#views.values()) for (const view of views.values()) view.dispose();
    this.#views.clear();
  }

  async #open(session: SessionId, viewer: string, options: ViewOptions): Promise<TerminalScreen> {
    this.#close(session, viewer);
    const view = await this.#terminals.terminalsOf(session).open(session, options, {
      data: (data) => this.#emit.data({ session, viewer, data }),
      resized: (size) => this.#emit.resized({ session, viewer, ...size }),
      titled: (title) => this.#emit.titled({ session, viewer, title }),
      exited: (exit) => {
        this.#forget(session, viewer);
        this.#emit.exited({ session, viewer, ...exit });
      },
    });
    // Opened twice at the same time, or left meanwhile: the place before is given up.
    this.#close(session, viewer);
    if (this.#disposed) view.dispose();
    else this.#views.set(session, (this.#views.get(session) ?? new Map()).set(viewer, view));
    return view.start;
  }

  #view(session: SessionId, viewer: string): TerminalView {
    const view = this.#views.get(session)?.get(viewer);
    if (view === undefined) throw notOpen();
    return view;
  }

  #close(session: SessionId, viewer: string): void {
    this.#views.get(session)?.get(viewer)?.dispose();
    this.#forget(session, viewer);
  }

  #forget(session: SessionId, viewer: string): void {
    const views = this.#views.get(session);
    views?.delete(viewer);
    if (views?.size === 0) this.#views.delete(session);
  }
}
