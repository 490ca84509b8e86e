import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ApprovalPolicy, SandboxMode, SessionSettings } from '../../src/shared/session.ts';
import {
  type BridgeSettings,
  bridgeSettingsSchema,
  confinedRights,
  DEFAULT_SETTINGS,
  effectiveRights,
} from '../../src/shared/settings.ts';

const SANDBOXES: readonly SandboxMode[] = ['read-only', 'workspace-write', 'danger-full-access'];
const POLICIES: readonly ApprovalPolicy[] = ['untrusted', 'on-request', 'never'];

function settings(
  ceiling: [SandboxMode, ApprovalPolicy],
  defaults: [SandboxMode, ApprovalPolicy] = ['workspace-write', 'on-request'],
): BridgeSettings {
  return {
    ...DEFAULT_SETTINGS,
    ceiling: { ...DEFAULT_SETTINGS.ceiling, sandbox: ceiling[0], approvalPolicy: ceiling[1] },
    defaults: { sandbox: defaults[0], approvalPolicy: defaults[1] },
  };
}

describe('effectiveRights', () => {
  test('nothing asked: the defaults', () => {
    expect(effectiveRights(DEFAULT_SETTINGS, {})).toEqual({
      sandbox: 'workspace-write',
      approvalPolicy: 'on-request',
      network: false,
      writableRoots: [],
    });
  });

  test('less may always be asked', () => {
    expect(effectiveRights(DEFAULT_SETTINGS, { sandbox: 'read-only', approvalPolicy: 'untrusted' })).toEqual({
      sandbox: 'read-only',
      approvalPolicy: 'untrusted',
      network: false,
      writableRoots: [],
    });
  });

  test.each([{ sandbox: 'danger-full-access' }, { approvalPolicy: 'never' }] satisfies SessionSettings[])(
    'more than the ceiling is refused: %o',
    (asked) => {
      expect(() => effectiveRights(DEFAULT_SETTINGS, asked)).toThrow(
        expect.objectContaining({ code: 'RIGHTS_EXCEED_CEILING' }),
      );
    },
  );

  test('defaults above the ceiling are lowered to it, silently', () => {
    const low = settings(['read-only', 'untrusted'], ['danger-full-access', 'never']);
    expect(effectiveRights(low, {})).toMatchObject({ sandbox: 'read-only', approvalPolicy: 'untrusted' });
  });

  test('never above the ceiling, and exactly what was asked where it is allowed', () => {
    const sandbox = fc.constantFrom(...SANDBOXES);
    const policy = fc.constantFrom(...POLICIES);
    const pair = fc.tuple(sandbox, policy);
    const asked = fc.record({ sandbox, approvalPolicy: policy }, { requiredKeys: [] });
    fc.assert(
      fc.property(pair, pair, asked, (ceiling, defaults, wanted) => {
        const above =
          (wanted.sandbox !== undefined &&
            SANDBOXES.indexOf(wanted.sandbox) > SANDBOXES.indexOf(ceiling[0])) ||
          (wanted.approvalPolicy !== undefined &&
            POLICIES.indexOf(wanted.approvalPolicy) > POLICIES.indexOf(ceiling[1]));
        const compute = () => effectiveRights(settings(ceiling, defaults), wanted);
        if (above) {
          expect(compute).toThrow();
          return;
        }
        const rights = compute();
        expect(SANDBOXES.indexOf(rights.sandbox)).toBeLessThanOrEqual(SANDBOXES.indexOf(ceiling[0]));
        expect(POLICIES.indexOf(rights.approvalPolicy)).toBeLessThanOrEqual(POLICIES.indexOf(ceiling[1]));
        if (wanted.sandbox !== undefined) expect(rights.sandbox).toBe(wanted.sandbox);
        if (wanted.approvalPolicy !== undefined) expect(rights.approvalPolicy).toBe(wanted.approvalPolicy);
        expect(rights.network).toBe(false);
      }),
    );
  });
});

describe('confinedRights', () => {
  test('never more than the sandbox, and nobody is asked for more', () => {
    expect(confinedRights(DEFAULT_SETTINGS, {}, 'read-only')).toEqual({
      sandbox: 'read-only',
      approvalPolicy: 'never',
      network: false,
      writableRoots: [],
    });
    expect(confinedRights(DEFAULT_SETTINGS, { sandbox: 'read-only' }, 'workspace-write').sandbox).toBe(
      'workspace-write',
    );
  });

  test('who wants to be asked about every command is asked', () => {
    const careful = settings(['workspace-write', 'untrusted']);
    expect(confinedRights(careful, {}, 'read-only').approvalPolicy).toBe('untrusted');
    const asked = { approvalPolicy: 'untrusted' } as const;
    expect(confinedRights(DEFAULT_SETTINGS, asked, 'read-only').approvalPolicy).toBe('untrusted');
  });

  test('more than the ceiling is refused', () => {
    const low = settings(['read-only', 'on-request']);
    expect(() => confinedRights(low, {}, 'workspace-write')).toThrow(/more than this person allows/);
    expect(() => confinedRights(low, { approvalPolicy: 'never' }, 'read-only')).toThrow(/more than/);
  });
});

describe('bridgeSettingsSchema', () => {
  test('what an older window sends has all tools', () => {
    const { mcp: _newer, ...older } = DEFAULT_SETTINGS;
    expect(bridgeSettingsSchema.parse(older)).toEqual(DEFAULT_SETTINGS);
    expect(bridgeSettingsSchema.parse({ ...older, mcp: {} })).toEqual(DEFAULT_SETTINGS);
  });

  test('takes the defaults, also after a way over the wire', () => {
    expect(bridgeSettingsSchema.parse(JSON.parse(JSON.stringify(DEFAULT_SETTINGS)))).toEqual(
      DEFAULT_SETTINGS,
    );
  });

  test.each([
    ['runningTurns', 0],
    ['runningTurns', 1.5],
    ['queuedTurns', -1],
    ['graceSeconds', -1],
    ['approvalMinutesAlone', 0],
    ['loadedSessions', Number.NaN],
  ])('refuses limits.%s = %s', (name, value) => {
    const wrong = { ...DEFAULT_SETTINGS, limits: { ...DEFAULT_SETTINGS.limits, [name]: value } };
    expect(bridgeSettingsSchema.safeParse(wrong).success).toBe(false);
  });
});
