import type { SessionId } from '../../shared/session.ts';
import type { Terminals } from './terminals.ts';

/**
 * What the private socket can do with terminals. Apart from `BridgeApi`, which MCP has too: a terminal is the
 * person's own authority, and no client's text may reach its input.
 */
export interface TerminalApi {
  /** The terminals of the session's folder. @throws BridgeError `SESSION_NOT_FOUND` */
  terminalsOf(session: SessionId): Terminals;
}
