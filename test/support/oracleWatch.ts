import type { BridgeConnection } from '../../src/client/connect.ts';
import { BridgeError } from '../../src/shared/errors.ts';
import type { FaceContract } from '../../src/shared/faces.ts';
import type { Params, RequestName, Result } from '../../src/shared/rpc.ts';
import { hasEnded, type TurnStatus } from '../../src/shared/session.ts';
import type { TestClient } from './mcpClients.ts';
import type { Oracle } from './oracle.ts';

type Asked = {
  [M in RequestName<FaceContract>]: { method: M; params: Params<FaceContract, M> };
}[RequestName<FaceContract>];

/**
 * From here on the oracle knows what this face sends and is told. `name` is unique for each connection.
 * The connection stays what it was: tests go on using it.
 */
export function watchFace(oracle: Oracle, name: string, face: BridgeConnection): void {
  const { rpc } = face;
  const request = rpc.request.bind(rpc);
  rpc.on('session.event', ({ session, seq, event }) => oracle.told(name, session, { seq, event }));
  face.onClose(() => oracle.left(name));
  rpc.request = async <M extends RequestName<FaceContract>>(method: M, params: Params<FaceContract, M>) => {
    // The pair of a method and its own parameters; generics do not narrow that far.
    const asked = { method, params } as Asked;
    const refused = before(oracle, name, asked);
    try {
      const result = await request(method, params);
      after(oracle, name, asked, result);
      return result;
    } catch (error) {
      // Where the connection broke nobody knows whether it was done.
      if (error instanceof BridgeError && error.code !== 'CONNECTION_CLOSED') refused();
      else if (asked.method === 'session.delete') oracle.deleted(asked.params.session, 'perhaps');
      throw error;
    }
  };
}

function before(oracle: Oracle, name: string, { method, params }: Asked): () => void {
  // A session that is opened again begins anew with the snapshot; what comes before it is early.
  if (method === 'session.open') oracle.left(name, params.session);
  return method === 'session.prompt' ? oracle.sent(params.prompt, params.idempotencyKey) : () => {};
}

function after(oracle: Oracle, name: string, { method, params }: Asked, result: unknown): void {
  if (method === 'session.open') {
    oracle.opened(name, of<'session.open'>(result));
  } else if (method === 'session.prompt') {
    const { turn } = of<'session.prompt'>(result);
    oracle.acknowledged(name, { session: params.session, turn, prompt: params.prompt });
  } else if (method === 'session.task') {
    oracle.acknowledged(name, { session: params.session, turn: of<'session.task'>(result).turn });
  } else if (method === 'session.close') {
    oracle.left(name, params.session);
  } else if (method === 'session.delete') {
    oracle.deleted(params.session);
  } else if (method === 'session.import') {
    for (const session of of<'session.import'>(result).sessions) oracle.copied(session);
  }
}

/** The result that belongs to the method, which the caller has just looked at. */
function of<M extends RequestName<FaceContract>>(result: unknown): Result<FaceContract, M> {
  return result as Result<FaceContract, M>;
}

/** Tools that take a prompt and answer with a turn. */
const PROMPTING: ReadonlySet<string> = new Set(['ask', 'chat_msg', 'plan', 'patch', 'codex', 'codex-reply']);

/** The same client, of which the oracle knows what it sends and is told. */
export function watchClient(oracle: Oracle, name: string, client: TestClient): TestClient {
  return {
    ...client,
    async call(tool, args, options) {
      const prompt = PROMPTING.has(tool) && typeof args['prompt'] === 'string' ? args['prompt'] : undefined;
      const key = typeof args['idempotency_key'] === 'string' ? args['idempotency_key'] : undefined;
      const refused = prompt === undefined ? () => {} : oracle.sent(prompt, key);
      const { data, ...answer } = await client.call(tool, args, options);
      const { session, turn, status } = data;
      if (typeof session === 'string' && typeof turn === 'string') {
        if (prompt !== undefined) oracle.acknowledged(name, { session, turn, prompt });
        // The output schema of every tool that tells of a turn; the client has checked it.
        const state = status as TurnStatus;
        if (hasEnded(state)) oracle.ended(name, turn, state);
        const whole = data['cursor'] === undefined && args['cursor'] === undefined;
        if (whole && typeof data['answer'] === 'string') oracle.answered(turn, data['answer']);
      } else if (answer.isError) refused();
      return { data, ...answer };
    },
  };
}
