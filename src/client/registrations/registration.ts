import type { Edit } from './jsonFile.ts';

/** Whom `codex-bridge connect` can register the bridge with; `json` prints the entry for all others. */
export const CLIENT_NAMES = ['claude-code', 'codex', 'vscode', 'cursor', 'gemini', 'json'] as const;
export type ClientName = (typeof CLIENT_NAMES)[number];

/**
 * Who gets the registration: `local` is one project, for this person alone (Claude Code's word), `project` is
 * a file of the project that others may share, `user` is all projects of this person.
 */
export const SCOPES = ['local', 'project', 'user'] as const;
export type Scope = (typeof SCOPES)[number];

/** The name under which every client knows the bridge. */
export const SERVER_NAME = 'codex-bridge';

/** Where and for whom a registration is made. */
export interface Place {
  readonly scope: Scope;
  /** The project, an absolute real path. */
  readonly folder: string;
}

/** What is known of the machine and the person. Nothing here is a secret. */
export interface Surroundings {
  /** State directory: its launcher is what registrations name. */
  readonly home: string;
  /** The person's home directory. */
  readonly userHome: string;
  readonly env: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
  /** Folders that are open, beside the one in question: a program inside one of them is not run. */
  readonly folders?: readonly string[];
  /** Puts the launcher into the state directory, where it is missing. */
  installLauncher(): Promise<void>;
}

/** One thing that is done, told exactly. */
export type Step =
  | { readonly kind: 'launcher'; readonly file: string }
  | {
      readonly kind: 'run';
      /** Program (absolute) and arguments; no shell is between. */
      readonly argv: readonly [string, ...string[]];
      readonly cwd: string;
      /** What puts back what this step changed, where a later one fails. */
      readonly back?: RunBack;
    }
  | (Edit & { readonly kind: 'write' });

export interface RunBack {
  readonly argv: readonly [string, ...string[]];
  /** Written to its standard input. */
  readonly input?: string;
}

/** What connecting or removing will do. Planning changes nothing. */
export interface Plan {
  readonly client: ClientName;
  readonly place: Place;
  /** Whether the client is to have the registration afterwards. */
  readonly goal: 'present' | 'absent';
  /** `none`: it is as it should be. */
  readonly action: 'add' | 'update' | 'replace' | 'remove' | 'none';
  readonly steps: readonly Step[];
  /** What the person should know beforehand. */
  readonly notes: readonly string[];
}

export interface PlanOptions {
  /** Also where somebody else's registration has the name. */
  readonly replace?: boolean;
}

/** What the client itself says about the registration. */
export interface Check {
  readonly ok: boolean;
  /** One sentence, or the client's own words. */
  readonly detail: string;
  /** How a person asks the same. */
  readonly command?: string;
}

/** One client: how it is told of the bridge. */
export interface Registrar {
  readonly name: ClientName;
  /** As people call it. */
  readonly label: string;
  /** The first is the one where none is named. */
  readonly scopes: readonly [Scope, ...Scope[]];
  /** @throws BridgeError `CLIENT_NOT_FOUND`, `CLIENT_CONFIG_UNUSABLE`, `REGISTRATION_EXISTS` */
  plan(place: Place, options?: PlanOptions): Promise<Plan>;
  /** As `plan`; `action` is `none` where nothing of ours is registered. */
  planRemoval(place: Place, options?: PlanOptions): Promise<Plan>;
  /** Asks the client by its own list command, or reads its file again where it has none. */
  check(place: Place): Promise<Check>;
}
