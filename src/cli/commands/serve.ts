import { realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type RunOptions, runBridge } from '../../bridge/main.ts';
import { connectBridge } from '../../client/connect.ts';
import { stateDir } from '../../client/stateDir.ts';
import { BridgeError, type ErrorCode } from '../../shared/errors.ts';
import type { Endpoints } from '../../shared/faces.ts';
import {
  approvalPolicySchema,
  type BridgeSettings,
  logLevelSchema,
  sandboxSchema,
  toolProfileSchema,
  variablePattern,
} from '../../shared/settings.ts';
import { EXIT, UsageError } from '../exit.ts';
import { oneOf } from '../options.ts';
import { RUNTIME, VERSION } from '../version.ts';

/** What `serve --json` prints when it is ready: one line, others script against it. */
interface ReadyLine extends Endpoints {
  readonly pid: number;
  readonly version: string;
}

/** How long a bridge that has the lock may take to be ready or to be gone, in ms. */
const RACE_MS = 15_000;
const RETRY_MS = 50;

/** A bridge that serves, however it came about. */
interface Serving {
  readonly line: ReadyLine;
  /** Rejects when it ended without having been told to. */
  readonly ended: Promise<void>;
  stop(): void;
}

/** The bridge in the foreground; where one runs already, it joins that one with its folders. */
export async function serve(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      folder: { type: 'string', multiple: true },
      port: { type: 'string' },
      json: { type: 'boolean', default: false },
      sandbox: { type: 'string' },
      'approval-policy': { type: 'string' },
      network: { type: 'boolean' },
      'writable-root': { type: 'string', multiple: true },
      'codex-env': { type: 'string', multiple: true },
      'tool-profile': { type: 'string' },
      'log-level': { type: 'string' },
    },
  });
  const port = values.port === undefined ? undefined : portOf(values.port);
  const logLevel =
    values['log-level'] === undefined
      ? undefined
      : oneOf('--log-level', values['log-level'], logLevelSchema.def.entries);
  const folders = values.folder ?? [process.cwd()];
  const overrides = overridesOf(values);
  const options: RunOptions = {
    version: VERSION,
    home: stateDir(),
    runtime: RUNTIME,
    folders: folders.map(absolute),
    endsItself: false,
    ...(logLevel === undefined ? {} : { logLevel }),
    log: (line) => process.stderr.write(`${line}\n`),
    overrides,
    ...(port === undefined ? {} : { port }),
  };
  const signals = listenForSignals();
  const serving = await startOrJoin(options);
  signals.onFirst(() => serving.stop());
  announce(serving.line, values.json);
  await serving.ended;
  signals.dispose();
  return EXIT.done;
}

async function startOrJoin(options: RunOptions): Promise<Serving> {
  const deadline = performance.now() + RACE_MS;
  for (;;) {
    try {
      const running = await runBridge(options);
      return {
        line: { ...running.endpoints, pid: process.pid, version: options.version },
        ended: running.ended,
        stop: () => running.stop(true),
      };
    } catch (error) {
      if (!hasCode(error, 'BRIDGE_RUNNING')) throw error;
    }
    try {
      return await join(options);
    } catch (error) {
      // It has the lock and no open door: it is coming up or leaving.
      const between = hasCode(error, 'BRIDGE_NOT_RUNNING') || hasCode(error, 'CONNECTION_CLOSED');
      if (!between || performance.now() > deadline) throw error;
    }
    await sleep(RETRY_MS);
  }
}

function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof BridgeError && error.code === code;
}

async function join(options: RunOptions): Promise<Serving> {
  const connection = await connectBridge({
    home: options.home,
    kind: 'cli',
    canAnswer: false,
    version: options.version,
    start: false,
  });
  const { rpc, hello } = connection;
  const ended = Promise.withResolvers<void>();
  let expected = false;
  rpc.on('leaving', ({ reason }) => {
    expected = true;
    process.stderr.write(`codex-bridge: ${reason}\n`);
  });
  connection.onClose(() => {
    if (expected) ended.resolve();
    else
      ended.reject(
        new BridgeError(
          'CONNECTION_CLOSED',
          `The bridge (pid ${hello.pid}) went away. Run "codex-bridge serve" again.`,
        ),
      );
  });
  // Who waits for it gets the rejection; until then it must not end the process.
  ended.promise.catch(() => {});
  for (const path of options.folders) await rpc.request('folder.add', { path });
  const endpoints = await rpc.request('endpoints', {});
  process.stderr.write(
    `codex-bridge: joined the bridge that already runs for ${options.home} (pid ${hello.pid}, version ${hello.version}); its own port and rights apply.\n`,
  );
  return {
    line: { ...endpoints, pid: hello.pid, version: hello.version },
    ended: ended.promise,
    stop: () => {
      expected = true;
      connection.dispose();
    },
  };
}

function announce(line: ReadyLine, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const folders = line.folders.map(({ name, path, url }) => `  ${name}  ${path}\n    ${url}\n`).join('');
  process.stdout.write(
    `Codex Bridge ${line.version} serves ${line.url}\n${folders}Tokens are printed by --json only. Ctrl+C ends it.\n`,
  );
}

/** SIGTERM or SIGINT ends it cleanly, a second one at once. Also when the first comes before it is ready. */
function listenForSignals() {
  let stop: (() => void) | undefined;
  let count = 0;
  const onSignal = () => {
    count += 1;
    if (count > 1) process.exit(EXIT.interrupted);
    stop?.();
  };
  const names = ['SIGINT', 'SIGTERM'] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    onFirst(callback: () => void) {
      stop = callback;
      if (count > 0) callback();
    },
    dispose() {
      for (const name of names) process.off(name, onSignal);
    },
  };
}

function overridesOf(values: {
  sandbox?: string;
  'approval-policy'?: string;
  network?: boolean;
  'writable-root'?: string[];
  'codex-env'?: string[];
  'tool-profile'?: string;
}) {
  const { network } = values;
  const writableRoots = values['writable-root']?.map(absolute);
  const environment = values['codex-env']?.map(variable);
  const toolProfile =
    values['tool-profile'] === undefined
      ? undefined
      : oneOf('--tool-profile', values['tool-profile'], toolProfileSchema.def.entries);
  const sandbox =
    values.sandbox === undefined ? undefined : oneOf('--sandbox', values.sandbox, sandboxSchema.def.entries);
  const approvalPolicy =
    values['approval-policy'] === undefined
      ? undefined
      : oneOf('--approval-policy', values['approval-policy'], approvalPolicySchema.def.entries);
  return (settings: BridgeSettings): BridgeSettings => ({
    ...settings,
    ...(environment === undefined ? {} : { codex: { ...settings.codex, environment } }),
    ceiling: {
      ...settings.ceiling,
      ...(writableRoots === undefined ? {} : { writableRoots }),
      sandbox: sandbox ?? settings.ceiling.sandbox,
      approvalPolicy: approvalPolicy ?? settings.ceiling.approvalPolicy,
      network: network ?? settings.ceiling.network,
    },
    defaults: {
      ...settings.defaults,
      sandbox: sandbox ?? settings.defaults.sandbox,
      approvalPolicy: approvalPolicy ?? settings.defaults.approvalPolicy,
    },
    mcp: { ...settings.mcp, toolProfile: toolProfile ?? settings.mcp.toolProfile },
  });
}

function variable(name: string): string {
  if (variablePattern.safeParse(name).success) return name;
  throw new UsageError(`--codex-env wants the name of a variable, PREFIX_* or *, not "${name}".`);
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new UsageError(`--port wants a number from 0 to 65535, not "${text}".`);
}

function absolute(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (error) {
    throw new BridgeError('FOLDER_NOT_FOUND', `The folder ${folder} is not there or can't be read.`, {
      cause: error,
    });
  }
}
