import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FolderChanges } from '../../src/bridge/changes/folderChanges.ts';
import { FolderCopies } from '../../src/bridge/changes/folderCopies.ts';
import { COPY_LIMITS, type CopyLimits } from '../../src/bridge/changes/limits.ts';
import { Previews } from '../../src/bridge/changes/previews.ts';
import { systemClock } from '../../src/bridge/clock.ts';
import { jsonLogger } from '../../src/bridge/logger.ts';
import type { TurnChanges } from '../../src/shared/changes.ts';
import { tempDir } from '../support/codexHome.ts';

export interface CopiedFolder {
  /** Real path of the folder, which is empty. */
  readonly path: string;
  readonly state: string;
  readonly copies: FolderCopies;
  readonly changes: FolderChanges;
  readonly log: readonly string[];
  readonly previews: Previews;
  /** Where the copies of previews are. */
  readonly previewsDir: string;
  /** Does `change` in a copy, as a turn of that name would. */
  preview(name: string, change: (copy: string) => void | Promise<void>): Promise<TurnChanges>;
  /** Does `change` as a turn of that name would. */
  turn(name: string, change: () => void | Promise<void>): Promise<TurnChanges>;
  dispose(): Promise<void>;
}

/** A folder with its copies, and nothing of Codex. */
export async function copiedFolder(limits: Partial<CopyLimits> = {}): Promise<CopiedFolder> {
  const temp = await tempDir('chg');
  const path = join(temp.path, 'folder');
  const state = join(temp.path, 'state');
  mkdirSync(path);
  const log: string[] = [];
  const logger = jsonLogger((line) => void log.push(line), 'debug');
  const copies = new FolderCopies({
    folder: path,
    directory: state,
    without: [join(path, 'own-state')],
    clock: systemClock,
    logger,
    limits: { ...COPY_LIMITS, ...limits },
  });
  const previewsDir = join(temp.path, 'previews');
  const previews = new Previews({
    folder: path,
    directory: previewsDir,
    copies,
    clock: systemClock,
    logger,
    limits: { ...COPY_LIMITS, ...limits },
  });
  return {
    path,
    state,
    copies,
    previews,
    previewsDir,
    async preview(name, change) {
      const preview = previews.of(name);
      try {
        await preview.before();
      } catch (error) {
        preview.abandon();
        await preview.after(name);
        throw error;
      }
      await change(preview.cwd);
      const changes = await preview.after(name);
      if (changes === undefined) throw new Error(`the preview ${name} has no changes`);
      return changes;
    },
    changes: new FolderChanges({ folder: path, copies, logger }),
    log,
    async turn(name, change) {
      await copies.before(name);
      await change();
      const changes = await copies.after(name);
      if (changes === undefined) throw new Error(`the turn ${name} has no changes`);
      return changes;
    },
    async dispose() {
      copies.dispose();
      await copies.idle();
      await temp.dispose();
    },
  };
}

/** Everything of a tree: paths, types, permissions and a hash of each content. */
export function treeOf(directory: string, prefix = ''): Record<string, string> {
  const tree: Record<string, string> = {};
  for (const name of readdirSync(directory).sort()) {
    const absolute = join(directory, name);
    const stats = lstatSync(absolute);
    const mode = (stats.mode & 0o7777).toString(8);
    const path = prefix + name;
    if (stats.isDirectory()) {
      tree[`${path}/`] = mode;
      Object.assign(tree, treeOf(absolute, `${path}/`));
    } else if (stats.isSymbolicLink()) {
      tree[path] = `-> ${readlinkSync(absolute)}`;
    } else {
      tree[path] = `${mode} ${createHash('sha256').update(readFileSync(absolute)).digest('hex')}`;
    }
  }
  return tree;
}
