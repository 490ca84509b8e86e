import type { IPty } from 'node-pty';
import { BridgeError } from '../../shared/errors.ts';
import type { TerminalCommand, TerminalSize } from '../../shared/terminal.ts';

/** The part of a PTY that a terminal needs. */
export type Pty = Pick<IPty, 'pid' | 'onData' | 'onExit' | 'write' | 'resize' | 'pause' | 'resume' | 'kill'>;

/** Starts a program in a new PTY; `env` is its whole environment. */
export type SpawnPty = (command: TerminalCommand, size: TerminalSize) => Pty;

/**
 * node-pty, loaded at first need: it brings a native binary.
 *
 * @throws BridgeError `TERMINAL_UNAVAILABLE` where it can't run
 */
export async function loadPty(): Promise<SpawnPty> {
  // A glibc binary loads on musl all the same, and crashes the whole process at the first spawn.
  if (process.platform === 'linux' && glibcVersion() === undefined) {
    throw unavailable('this Linux has no glibc');
  }
  let pty: typeof import('node-pty');
  try {
    pty = await import('node-pty');
  } catch (error) {
    throw unavailable('node-pty can not be loaded on this machine', error);
  }
  return ({ file, args, cwd, env }, size) =>
    pty.spawn(file, [...args], { name: 'xterm-256color', ...size, cwd, env: { ...env } });
}

function glibcVersion(): string | undefined {
  // Node has it since 22.0, its types do not.
  const report: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report;
  // The network part asks the name server, which can take seconds.
  const before = report.excludeNetwork ?? false;
  report.excludeNetwork = true;
  try {
    // Typed as object only; Node documents `header.glibcVersionRuntime` for glibc.
    const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
    return header?.glibcVersionRuntime;
  } finally {
    report.excludeNetwork = before;
  }
}

function unavailable(why: string, cause?: unknown): BridgeError {
  return new BridgeError(
    'TERMINAL_UNAVAILABLE',
    `The bridge can have no terminal: ${why}. Open the session in VS Code's own terminal instead.`,
    { cause },
  );
}
