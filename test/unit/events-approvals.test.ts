import { describe, expect, test } from 'vitest';
import {
  type ApprovalContext,
  type ApprovalRequest,
  boundTo,
  cancelEndsTurn,
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
      text: 'Network access to any host\nRead /etc\nWrite /opt\nDeny what fits **/.env',
    });
  });

  test('a place without a path is named', () => {
    const entry = (value: object, access = 'write') => ({ path: { type: 'special', value }, access });
    const entries = [
      entry({ kind: 'root' }, 'read'),
      entry({ kind: 'minimal' }, 'read'),
      entry({ kind: 'project_roots', subpath: null }),
      entry({ kind: 'project_roots', subpath: '.git' }),
      entry({ kind: 'tmpdir' }),
      entry({ kind: 'slash_tmp' }),
      entry({ kind: 'unknown', path: 'moon', subpath: null }),
    ];
    const permissions = { network: null, fileSystem: { read: null, write: null, entries } };
    const approval = toApproval(
      asked('item/permissions/requestApproval', { cwd: '/f', reason: null, permissions }),
      CONTEXT,
    );
    expect(approval.request).toEqual({
      kind: 'permissions',
      text: [
        'Read everything on this machine',
        'Read what programs need to start',
        'Write the folder',
        'Write .git in the folder',
        'Write the folder for temporary files ($TMPDIR)',
        'Write /tmp',
        'Write {"kind":"unknown","path":"moon","subpath":null}',
      ].join('\n'),
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
  const fieldsOf = (one: ApprovalRequest) => {
    const { request: shown } = toApproval(one, CONTEXT);
    return shown.kind === 'question' ? shown.fields : undefined;
  };

  test('of the model: each with its options, and answered by their labels', () => {
    const several = asked('item/tool/requestUserInput', {
      questions: [
        {
          id: 'q',
          header: 'Colour',
          question: 'Which?',
          isOther: true,
          isSecret: false,
          options: [{ label: 'Red', description: 'warm' }],
        },
        { id: 'key', header: '', question: 'The key?', isOther: false, isSecret: true, options: null },
      ],
    });
    expect(toApproval(several, CONTEXT)).toMatchObject({
      decisions: ['accept', 'decline', 'cancel'],
      request: { kind: 'question', text: 'Colour\nWhich?\n- Red: warm\n\nThe key?' },
    });
    expect(fieldsOf(several)).toEqual([
      {
        id: 'q',
        heading: 'Colour',
        label: 'Which?',
        required: false,
        secret: false,
        input: {
          kind: 'choice',
          options: [{ value: 'Red', label: 'Red', description: 'warm' }],
          other: true,
        },
      },
      { id: 'key', label: 'The key?', required: false, secret: true, input: { kind: 'text' } },
    ]);
    expect(fieldsOf(request('question'))?.[0]?.required).toBe(true);
    expect(toResponse(several, 'accept', [{ id: 'q', value: 'Red' }])).toEqual({
      answers: { q: { answers: ['Red'] } },
    });
    expect(toResponse(several, 'decline', [{ id: 'q', value: 'Red' }])).toEqual({ answers: {} });
  });

  const form = (requestedSchema: object, mode = 'form') =>
    asked('mcpServer/elicitation/request', {
      ...request('elicitation').params,
      mode,
      requestedSchema: { type: 'object', ...requestedSchema },
    });

  test('of an MCP server: a form without fields is a yes or a no', () => {
    expect(fieldsOf(request('elicitation'))).toBeUndefined();
    expect(toResponse(request('elicitation'), 'accept')).toEqual({
      action: 'accept',
      content: {},
      _meta: null,
    });
  });

  test.each(['form', 'openai/form', 'openaiForm'])('of an MCP server: every kind of field (%s)', (mode) => {
    const whole = form(
      {
        required: ['n', 'name', 'sure', 'lost'],
        properties: {
          name: { type: 'string', title: 'Name', description: 'Yours', minLength: 1, maxLength: 9 },
          mail: { type: 'string', format: 'email', default: 'a@b' },
          pass: { type: 'string', format: 'password' },
          n: { type: 'integer', minimum: 1, maximum: 3 },
          x: { type: 'number', default: 0.5 },
          sure: { type: 'boolean', default: true },
          size: { type: 'string', enum: ['s', 'm'], enumNames: ['Small'] },
          way: { type: 'string', oneOf: [{ const: 'a', title: 'By air' }] },
          days: { type: 'array', items: { type: 'string', enum: ['mo', 'tu'] }, minItems: 1, maxItems: 2 },
          nights: { type: 'array', items: { anyOf: [{ const: 'we', title: 'Wednesday' }] }, default: ['we'] },
        },
      },
      mode,
    );
    const plain = { required: false, secret: false };
    const options = (...list: string[][]) => list.map(([value, label]) => ({ value, label: label ?? value }));
    expect(fieldsOf(whole)).toEqual([
      {
        ...plain,
        id: 'n',
        label: 'n',
        required: true,
        input: { kind: 'number', integer: true, minimum: 1, maximum: 3 },
      },
      {
        ...plain,
        id: 'name',
        label: 'Name',
        description: 'Yours',
        required: true,
        input: { kind: 'text', minLength: 1, maxLength: 9 },
      },
      { ...plain, id: 'sure', label: 'sure', input: { kind: 'boolean', initial: true } },
      { ...plain, id: 'mail', label: 'mail', input: { kind: 'text', format: 'email', initial: 'a@b' } },
      { ...plain, id: 'pass', label: 'pass', secret: true, input: { kind: 'text' } },
      { ...plain, id: 'x', label: 'x', input: { kind: 'number', integer: false, initial: 0.5 } },
      {
        ...plain,
        id: 'size',
        label: 'size',
        input: { kind: 'choice', options: options(['s', 'Small'], ['m']), other: false },
      },
      {
        ...plain,
        id: 'way',
        label: 'way',
        input: { kind: 'choice', options: options(['a', 'By air']), other: false },
      },
      {
        ...plain,
        id: 'days',
        label: 'days',
        input: { kind: 'choices', options: options(['mo'], ['tu']), least: 1, most: 2 },
      },
      {
        ...plain,
        id: 'nights',
        label: 'nights',
        input: { kind: 'choices', options: options(['we', 'Wednesday']), initial: ['we'] },
      },
    ]);
    const answers = [
      { id: 'name', value: 'Ada' },
      { id: 'n', value: 2 },
      { id: 'days', value: ['mo'] },
    ];
    expect(toResponse(whole, 'accept', answers)).toEqual({
      action: 'accept',
      content: { name: 'Ada', n: 2, days: ['mo'] },
      _meta: null,
    });
    expect(toResponse(whole, 'cancel', answers)).toEqual({ action: 'cancel', content: null, _meta: null });
  });

  test('of an MCP server: a page of the web can be opened', () => {
    const page = asked('mcpServer/elicitation/request', {
      ...request('elicitation').params,
      mode: 'url',
      url: 'https://example.com/login',
    });
    expect(toApproval(page, CONTEXT)).toMatchObject({
      decisions: ['accept', 'decline', 'cancel'],
      request: { url: 'https://example.com/login', text: 'srv: Run it?\nhttps://example.com/login' },
    });
    expect(toResponse(page, 'accept')).toEqual({ action: 'accept', content: null, _meta: null });
  });

  test('of an MCP server: what can not be shown can only be declined', () => {
    for (const other of [
      form({ properties: { deep: { type: 'object', properties: {} } } }),
      form({ properties: { list: { type: 'array', items: { type: 'number' } } } }, 'openai/form'),
      asked('mcpServer/elicitation/request', {
        ...request('elicitation').params,
        mode: 'url',
        url: 'file:///etc/passwd',
      }),
      asked('mcpServer/elicitation/request', {
        ...request('elicitation').params,
        mode: 'openai/userVerification',
        description: 'Who are you?',
      }),
    ]) {
      expect(toApproval(other, CONTEXT).decisions).toEqual(['decline', 'cancel']);
      expect(toResponse(other, 'accept')).toMatchObject({ action: 'decline', content: null });
    }
  });

  test('where Codex has no word for stopping, the turn is interrupted beside it', () => {
    expect(named.filter(([, one]) => !cancelEndsTurn(one)).map(([name]) => name)).toEqual([
      'permissions',
      'question',
      'elicitation',
    ]);
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
