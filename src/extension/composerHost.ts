import * as vscode from 'vscode';
import { BridgeError } from '../shared/errors.ts';
import type { Handlers } from '../shared/rpc.ts';
import type { SandboxMode, SessionId, SessionSettings } from '../shared/session.ts';
import { effectiveRights } from '../shared/settings.ts';
import type { ChatContract, ChosenAttachment, ComposerOptions } from '../shared/webview.ts';
import { ComposerContext } from './composerContext.ts';
import type { ComposerMemory } from './composerMemory.ts';
import { readSettings } from './settings.ts';
import type { WindowFace } from './windowFace.ts';

type ComposerRequests = Pick<
  Handlers<ChatContract>,
  | 'prompt'
  | 'task'
  | 'review.pick'
  | 'composer.options'
  | 'composer.choose'
  | 'composer.history'
  | 'composer.find'
  | 'composer.attach'
  | 'session.command'
>;

/** The host's side of the composer: what can be chosen and attached, and what was asked before. */
export function composerHandlers(face: WindowFace, memory: ComposerMemory): ComposerRequests {
  const context = new ComposerContext();
  /** Access for the next new session, until it is made. */
  let sandbox: SandboxMode | undefined;

  const options = async (key: string | null): Promise<ComposerOptions> => {
    const settings = readSettings(vscode.workspace.getConfiguration('codexBridge'));
    // Asking is no reason to start a bridge.
    if (face.link.state.kind === 'connected' && key !== null) {
      const known = face.link.folders.find((folder) => folder.key === key);
      if (known !== undefined) {
        const { folders } = await face.link.request('status', { folder: known.key });
        const models = folders[0]?.codex.models;
        if (models !== undefined && models.length > 0) memory.setModels(models);
      }
    }
    const { model, effort } = settings.defaults;
    return {
      models: memory.models,
      ceiling: settings.ceiling.sandbox,
      defaults: {
        ...(model === undefined ? {} : { model }),
        ...(effort === undefined ? {} : { effort }),
        sandbox: effectiveRights(settings, {}).sandbox,
      },
      chosen: { ...memory.choice, ...(sandbox === undefined ? {} : { sandbox }) },
    };
  };

  /** Where the folder is on the disk. */
  const pathOf = (key: string | null): string => {
    const path = face.link.folders.find((folder) => folder.key === key)?.path ?? face.folderPath(key);
    if (path !== undefined) return path;
    throw new BridgeError(
      'FOLDER_UNKNOWN',
      'The folder is not open in this window. Open it, then attach again.',
    );
  };

  const attach = async (
    folder: string,
    what: Parameters<ComposerRequests['composer.attach']>[0]['what'],
  ): Promise<readonly ChosenAttachment[]> => {
    switch (what.kind) {
      case 'file':
        return [await context.file(folder, what.path)];
      case 'folder':
        return [await context.folder(folder, what.path)];
      case 'selection':
        return [context.selection(folder)];
      case 'problems':
        return [context.problems(folder)];
      case 'uris':
        return context.dropped(folder, what.uris);
    }
  };

  return {
    prompt: async ({ session, folder, prompt, attachments, settings, typed }) => {
      const sent = await face.prompt({
        session,
        prompt,
        source: { kind: 'window' },
        ...(folder === undefined ? {} : { folder }),
        ...(attachments === undefined ? {} : { attachments }),
        ...(settings === undefined ? {} : { settings }),
        sessionSettings: { ...memory.choice, ...(sandbox === undefined ? {} : { sandbox }) },
      });
      if (session === null) sandbox = undefined;
      const used = face.link.session?.folder ?? folder;
      if (used !== undefined) memory.addPrompt(used, typed ?? prompt);
      return { session: sent.session };
    },
    task: async ({ session, folder, task, typed }) => {
      const sent = await face.startTask({
        session,
        task,
        source: { kind: 'window' },
        ...(folder === undefined ? {} : { folder }),
        sessionSettings: { ...memory.choice, ...(sandbox === undefined ? {} : { sandbox }) },
      });
      if (session === null) sandbox = undefined;
      const used = face.link.session?.folder ?? folder;
      if (used !== undefined) memory.addPrompt(used, typed);
      return { session: sent.session };
    },
    'review.pick': async ({ what }) => {
      const command = what === 'branch' ? 'codexBridge.reviewBranch' : 'codexBridge.reviewCommit';
      await vscode.commands.executeCommand(command);
      return null;
    },
    'composer.options': ({ folder }) => options(folder),
    'composer.choose': async ({ session, choice }) => {
      // Access is for this session; model and effort are also what the next one begins with.
      const { model, effort } = apply(memory.choice, choice);
      memory.setChoice({
        ...(model === undefined ? {} : { model }),
        ...(effort === undefined ? {} : { effort }),
      });
      if (session === null) {
        if (choice.sandbox !== undefined) sandbox = choice.sandbox ?? undefined;
        return null;
      }
      const settings = apply(settingsOf(face, session), choice);
      await face.link.request('session.settings', { session, settings });
      return null;
    },
    'composer.history': ({ folder }) => {
      const { session } = face.link;
      if (session !== null) memory.restore(session);
      return { prompts: folder === null ? [] : memory.prompts(folder) };
    },
    'composer.find': async ({ folder, query }) => ({
      entries: await context.find(pathOf(folder), query),
    }),
    'composer.attach': async ({ folder, what }) => ({ attachments: await attach(pathOf(folder), what) }),
    'session.command': async ({ session, command }) => {
      const { link } = face;
      switch (command.name) {
        case 'fork':
          await face.select((await link.request('session.fork', { session })).id);
          return null;
        case 'archive':
          await link.request('session.archive', { session, archived: true });
          await face.newSession();
          return null;
        case 'rename':
          await link.request('session.rename', { session, title: command.title });
          return null;
        case 'open_in_editor':
          await vscode.commands.executeCommand('codexBridge.openInEditor', session);
          return null;
        case 'export':
          await vscode.commands.executeCommand('codexBridge.exportSession', session);
          return null;
      }
    },
  };
}

function settingsOf(face: WindowFace, session: SessionId): SessionSettings {
  const open = face.link.session;
  if (open?.id === session) return open.settings;
  return face.sessions.find(({ id }) => id === session)?.settings ?? {};
}

/** `null` takes a choice back; what is not named stays. */
function apply(
  settings: SessionSettings,
  choice: { readonly [K in 'model' | 'effort' | 'sandbox']?: SessionSettings[K] | null | undefined },
): SessionSettings {
  const { model, effort, sandbox, ...rest } = settings;
  const next = {
    model: choice.model === undefined ? model : choice.model,
    effort: choice.effort === undefined ? effort : choice.effort,
    sandbox: choice.sandbox === undefined ? sandbox : choice.sandbox,
  };
  return {
    ...rest,
    ...(next.model == null ? {} : { model: next.model }),
    ...(next.effort == null ? {} : { effort: next.effort }),
    ...(next.sandbox == null ? {} : { sandbox: next.sandbox }),
  };
}
