import { expect, test } from 'vitest';
import type { ThreadSettings } from '../../src/bridge/codex/generated/v2/ThreadSettings.ts';
import { type NamedRights, ThreadRights } from '../../src/bridge/sessions/threadRights.ts';

const RIGHTS = {
  cwd: '/f',
  sandboxPolicy: { type: 'readOnly', networkAccess: false },
  approvalPolicy: 'on-request',
  approvalsReviewer: 'user',
} as const satisfies NamedRights;

const SETTINGS: ThreadSettings = {
  ...RIGHTS,
  disabledPluginIds: [],
  environments: null,
  activePermissionProfile: null,
  model: 'm',
  modelProvider: 'p',
  serviceTier: null,
  effort: null,
  summary: null,
  collaborationMode: {
    mode: 'default',
    settings: { model: 'm', reasoning_effort: null, developer_instructions: null },
  },
  multiAgentMode: 'explicitRequestOnly',
  personality: null,
};

const OTHERS: Record<string, Partial<ThreadSettings>> = {
  directory: { cwd: '/copy' },
  sandbox: { sandboxPolicy: { type: 'dangerFullAccess' } },
  network: { sandboxPolicy: { type: 'readOnly', networkAccess: true } },
  'approval policy': { approvalPolicy: 'never' },
  reviewer: { approvalsReviewer: 'auto_review' },
  profile: { activePermissionProfile: { id: 'full', extends: null } },
};

test('what Codex has said of the thread need not be named, and the rest of a turn stays', () => {
  const rights = new ThreadRights();
  rights.told('t', SETTINGS);
  expect(rights.toName('t', { ...RIGHTS, outputSchema: null })).toEqual({ outputSchema: null });
  expect(rights.toName('t', RIGHTS)).toEqual({});
});

test.each(Object.entries(OTHERS))('another %s is named', (_name, other) => {
  const rights = new ThreadRights();
  rights.told('t', { ...SETTINGS, ...other });
  expect(rights.toName('t', RIGHTS)).toEqual(RIGHTS);
  // What was named holds when Codex says so, not before.
  expect(rights.toName('t', RIGHTS)).toEqual(RIGHTS);
  rights.told('t', SETTINGS);
  expect(rights.toName('t', RIGHTS)).toEqual({});
});

test('where Codex has said nothing, or what it said may hold no more, they are named', () => {
  const rights = new ThreadRights();
  expect(rights.toName('t', RIGHTS)).toEqual(RIGHTS);
  rights.told('t', SETTINGS);
  expect(rights.toName('another', RIGHTS)).toEqual(RIGHTS);
  rights.forget('t');
  expect(rights.toName('t', RIGHTS)).toEqual(RIGHTS);
  rights.told('t', SETTINGS);
  rights.forgetAll();
  expect(rights.toName('t', RIGHTS)).toEqual(RIGHTS);
});

test('once a terminal can change them, they are always named', () => {
  const rights = new ThreadRights();
  rights.told('t', SETTINGS);
  rights.share();
  expect(rights.toName('t', RIGHTS)).toEqual(RIGHTS);
  rights.forgetAll();
  rights.told('t', SETTINGS);
  expect(rights.toName('t', RIGHTS)).toEqual(RIGHTS);
});
