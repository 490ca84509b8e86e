import type { CodexStatus } from '../../shared/faces.ts';
import type { AccountInfo } from '../../shared/login.ts';
import type { CodexClient } from '../codex/client.ts';
import { CodexRefusedError } from '../codex/codexRefused.ts';
import type { Account } from '../codex/generated/v2/Account.ts';
import type { Logger } from '../ports.ts';

/** `account/read`: whether the provider wants OpenAI's login, and whether there is one. Empty: Codex can't tell. */
export async function readAccount(
  client: CodexClient,
  logger: Logger,
): Promise<Pick<CodexStatus, 'loggedIn' | 'account'>> {
  try {
    const { account, requiresOpenaiAuth } = await client.call('account/read', {});
    return {
      loggedIn: account !== null || !requiresOpenaiAuth,
      ...(account === null ? {} : { account: accountInfo(account) }),
    };
  } catch (error) {
    if (!(error instanceof CodexRefusedError)) throw error;
    // There is a login, and OpenAI's server says no to it, or can not be reached.
    logger.warn('Codex can not tell who is logged in', { error });
    return /unauthorized/i.test(error.rpcMessage) ? { loggedIn: false } : {};
  }
}

/** `model/list`: the models that a person may choose, and the effort that each model has by itself. */
export async function readModels(client: CodexClient): Promise<{
  models: NonNullable<CodexStatus['models']>;
  efforts: ReadonlyMap<string, string>;
}> {
  const { data } = await client.call('model/list', {});
  return {
    efforts: new Map(data.map((model) => [model.model, model.defaultReasoningEffort])),
    models: data
      .filter((model) => !model.hidden)
      .map((model) => ({
        id: model.model,
        name: model.displayName,
        efforts: model.supportedReasoningEfforts.map((option) => option.reasoningEffort),
      })),
  };
}

function accountInfo(account: Account): AccountInfo {
  if (account.type !== 'chatgpt') return { kind: account.type };
  const { type: kind, email, planType: plan } = account;
  return { kind, plan, ...(email === null ? {} : { email }) };
}
