import { ProtocolError, ProtocolErrorCode, type Server } from '@modelcontextprotocol/server';
import type { Disposable } from '../../shared/disposables.ts';
import type { Scope } from '../http/tokens.ts';
import type { ChangeFeed } from './changeFeed.ts';
import { completePrompt, getPrompt, listPrompts } from './prompts.ts';
import { completeSession, listResources, listTemplates, type Reading, readResource } from './resources.ts';

/** Values in one answer to `completion/complete`, by the protocol's own limit. */
const MAX_COMPLETIONS = 100;
const MAX_SUBSCRIPTIONS = 1_000;

/** Everything that a client can read: resources, prompts, and completions for their arguments. */
export function serveReading(server: Server, reading: Reading): void {
  server.setRequestHandler('resources/list', ({ params }) => listResources(reading, params?.cursor));
  server.setRequestHandler('resources/templates/list', () => listTemplates());
  server.setRequestHandler('resources/read', ({ params }) => readResource(reading, params.uri));
  server.setRequestHandler('prompts/list', () => listPrompts());
  server.setRequestHandler('prompts/get', ({ params }) => getPrompt(params.name, params.arguments));
  server.setRequestHandler('completion/complete', ({ params: { ref, argument } }) => {
    const all =
      ref.type === 'ref/prompt'
        ? completePrompt(reading, ref.name, argument.name, argument.value)
        : completeSession(reading, argument.value);
    const values = all.slice(0, MAX_COMPLETIONS);
    return { completion: { values, total: all.length, hasMore: all.length > values.length } };
  });
}

/**
 * Tells a client that stays connected what changes. In 2025-11-25 it asks for each resource by
 * `resources/subscribe`; for 2026-07-28 the SDK lets pass what the client listens to.
 */
export function tellChanges(
  server: Server,
  scope: Scope,
  era: 'legacy' | 'modern',
  changes: ChangeFeed,
  failed: (error: unknown) => void,
): Disposable {
  const wanted = new Set<string>();
  if (era === 'legacy') {
    server.setRequestHandler('resources/subscribe', ({ params }) => {
      if (wanted.size >= MAX_SUBSCRIPTIONS) {
        throw new ProtocolError(
          ProtocolErrorCode.InvalidRequest,
          `A client may subscribe to ${MAX_SUBSCRIPTIONS} resources at once.`,
        );
      }
      wanted.add(params.uri);
      return {};
    });
    server.setRequestHandler('resources/unsubscribe', ({ params }) => {
      wanted.delete(params.uri);
      return {};
    });
  }
  return changes.subscribe(scope, {
    toolsChanged: () => void server.sendToolListChanged().catch(failed),
    resourcesChanged: () => void server.sendResourceListChanged().catch(failed),
    resourceUpdated(uri) {
      if (era === 'legacy' && !wanted.has(uri)) return;
      server.sendResourceUpdated({ uri }).catch(failed);
    },
  });
}
