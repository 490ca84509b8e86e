import { describe, expect, test } from 'vitest';
import {
  type ApprovalContext,
  type ApprovalRequest,
  boundTo,
  failClosed,
  isApproval,
  refusalOf,
  toApproval,
  toResponse,
} from '../../src/bridge/codex/approvals.ts';
import type { ServerRequest } from '../../src/bridge/codex/generated/ServerRequest.ts';
import type { ApprovalDecision } from '../../src/shared/session.ts';

const CONTEXT: ApprovalContext = { id: 'a_1', turn: 't_1', now: 5, folder: '/f', changesOf: () => undefined };

function asked(method: string, params: object): ApprovalRequest {
  const bound =
    method.startsWith('item/') || method.startsWith('mcp') ? { threadId: 'th', turnId: 'ct' } : {};
  const legacy = bound.threadId === undefined ? { conversationId: 'th', callId: 'i' } : { itemId: 'i' };
  // The tests give the fields that their request needs.
  return { method, id: 1, params: { ...bound, ...legacy, ...params } } as unknown as ApprovalRequest;
}

const REQUESTS: Readonly<Record<string, ApprovalRequest>> = {
  command: asked('item/commandExecution/requestApproval', { kind: 'command', command: 'rm x', cwd: '/f' }),
  patch: asked('item/fileChange/requestApproval', { reason: null, grantRoot: null }),
  permissions: asked('item/permissions/requestApproval', {
    cwd: '/f',
    reason: 'to install',
    permissions: {
      network: { enabled: true },
      fileSystem: {
        read: ['/etc'],
        write: ['/opt'],
        entries: [{ path: { type: 'glob_pattern', pattern: '**/.env' }, access: 'deny' }],
      },
    },
  }),
  question: asked('item/tool/requestUserInput', {
    questions: [
      { id: 'q', header: 'Colour', question: 'Which?', options: [{ label: 'Red', description: 'warm' }] },
    ],
  }),
  elicitation: asked('mcpServer/elicitation/request', {
    serverName: 'srv',
    mode: 'form',
    message: 'Run it?',
    requestedSchema: { type: 'object', properties: {} },
  }),
  legacyPatch: asked('applyPatchApproval', {
    fileChanges: { '/f/a': { type: 'add', content: 'x\n' } },
    reason: null,
    grantRoot: '/f',
  }),
  legacyCommand: asked('execCommandApproval', {
    command: ['sh', '-c', "echo 'a b'"],
    cwd: '/f',
    reason: null,
  }),
};

const named = Object.entries(REQUESTS);

describe('every request', () => {
  test.each(named)('%s: belongs to its thread, turn and item, and can be declined', (_name, request) => {
    expect(isApproval(request)).toBe(true);
    expect(boundTo(request).thread).toBe('th');
    const approval = toApproval(request, CONTEXT);
    expect(approval).toMatchObject({ id: 'a_1', turn: 't_1', createdAt: 5 });
    expect(approval.decisions).toEqual(expect.arrayContaining(['decline', 'cancel']));
  });

  test.each(named)('%s: without an answer it is a no', (_name, request) => {
    const text = JSON.stringify(failClosed(request));
    expect(text).not.toMatch(/accept|approved/);
    expect(text).toBe(JSON.stringify(toResponse(request, 'decline')));
  });

  test.each(named)('%s: what was not offered is a no', (_name, request) => {
    const { decisions } = toApproval(request, CONTEXT);
    for (const decision of ['accept', 'accept_for_session'] satisfies ApprovalDecision[]) {
      if (request.method === 'item/fileChange/requestApproval' || decisions.includes(decision)) continue;
      if (request.method === 'mcpServer/elicitation/request') continue; // a yes for the session is a plain yes there
      expect(toResponse(request, decision)).toEqual(failClosed(request));
    }
  });
});

function request(name: string): ApprovalRequest {
  const found = REQUESTS[name];
  if (found === undefined) throw new Error(name);
  return found;
}

describe('commands', () => {
  test('decisions in the words of Codex', () => {
    expect(toResponse(request('command'), 'accept')).toEqual({ decision: 'accept' });
    expect(toResponse(request('command'), 'accept_for_session')).toEqual({ decision: 'acceptForSession' });
    expect(toResponse(request('command'), 'cancel')).toEqual({ decision: 'cancel' });
  });

  test('all that is asked for beside the command is said', () => {
    const approval = toApproval(
      asked('item/commandExecution/requestApproval', {
        kind: 'writeStdin',
        command: 'y\n',
        cwd: null,
        reason: 'It asks',
        networkApprovalContext: { host: 'example.com', protocol: 'https' },
        additionalPermissions: { network: null, fileSystem: { read: null, write: ['/etc'] } },
      }),
      CONTEXT,
    );
    expect(approval.request).toEqual({ kind: 'command', command: 'y\n', cwd: '' });
    expect(approval.reason).toBe(
      'Input for a command that runs already.\nIt asks\nNetwork access: https to example.com\nWrite /etc',
    );
  });

  test('without a command it is about rights', () => {
    const params = { kind: 'command', networkApprovalContext: { host: 'example.com', protocol: 'https' } };
    const approval = toApproval(asked('item/commandExecution/requestApproval', params), CONTEXT);
    expect(approval.request).toEqual({ kind: 'permissions', text: 'Network access: https to example.com' });
  });

  test('legacy: the words are quoted where they end is not plain', () => {
    const approval = toApproval(request('legacyCommand'), CONTEXT);
    expect(approval.request).toEqual({
      kind: 'command',
      command: "sh -c 'echo '\\''a b'\\'''",
      cwd: '/f',
    });
    expect(toResponse(request('legacyCommand'), 'accept')).toEqual({ decision: 'approved' });
    expect(toResponse(request('legacyCommand'), 'cancel')).toEqual({ decision: 'abort' });
  });
});

describe('patches', () => {
  test('one that was never seen can only be declined', () => {
    expect(toApproval(request('patch'), CONTEXT).decisions).toEqual(['decline', 'cancel']);
  });

  test('the changes of the item, and nothing else', () => {
    const change = { path: 'a', kind: 'add' as const, added: 1, removed: 0, diff: '+x' };
    const approval = toApproval(request('patch'), {
      ...CONTEXT,
      changesOf: (item) => (item === 'i' ? [change] : undefined),
    });
    expect(approval.request).toEqual({ kind: 'file_change', changes: [change] });
    expect(approval.decisions).toContain('accept');
  });

  test('legacy: its own changes', () => {
    expect(toApproval(request('legacyPatch'), CONTEXT).request).toMatchObject({
      kind: 'file_change',
      grantRoot: '/f',
      changes: [{ path: 'a', kind: 'add', added: 1 }],
    });
  });
});

describe('rights', () => {
  test('each is a line', () => {
    const approval = toApproval(request('permissions'), CONTEXT);
    expect(approval.reason).toBe('to install');
    expect(approval.request).toEqual({
      kind: 'permissions',
      text: 'Network access to any host\nRead /etc\nWrite /opt\nDeny **/.env',
    });
  });

  test('a yes grants what was asked, for the turn or the session; a no grants nothing', () => {
    const { params } = request('permissions');
    const permissions = 'permissions' in params ? params.permissions : undefined;
    expect(toResponse(request('permissions'), 'accept')).toEqual({ permissions, scope: 'turn' });
    expect(toResponse(request('permissions'), 'accept_for_session')).toEqual({
      permissions,
      scope: 'session',
    });
    expect(toResponse(request('permissions'), 'cancel')).toEqual({ permissions: {}, scope: 'turn' });
  });
});

describe('questions', () => {
  test('are shown with their options', () => {
    expect(toApproval(request('question'), CONTEXT).request).toEqual({
      kind: 'question',
      text: 'Colour\nWhich?\n- Red: warm',
    });
    expect(toResponse(request('question'), 'accept')).toEqual({ answers: {} });
  });

  test('a form without fields can be accepted, one with fields or a link can not', () => {
    expect(toResponse(request('elicitation'), 'accept')).toEqual({
      action: 'accept',
      content: {},
      _meta: null,
    });
    for (const more of [
      { requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } },
      { mode: 'url', url: 'https://example.com' },
      { mode: 'openai/userVerification', description: 'Who are you?' },
    ]) {
      const other = asked('mcpServer/elicitation/request', { ...request('elicitation').params, ...more });
      expect(toApproval(other, CONTEXT).decisions).toEqual(['decline', 'cancel']);
      expect(toResponse(other, 'accept')).toMatchObject({ action: 'decline', content: null });
    }
  });
});

test('other requests are refused', () => {
  for (const method of [
    'item/tool/call',
    'attestation/generate',
    'account/chatgptAuthTokens/refresh',
    'currentTime/read',
    'something/new',
  ]) {
    expect(isApproval({ method, id: 1, params: {} } as unknown as ServerRequest)).toBe(false);
    expect(refusalOf({ method })).toMatchObject({ code: -32601 });
  }
});
