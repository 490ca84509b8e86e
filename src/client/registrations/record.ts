import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { BridgeError, messageOf } from '../../shared/errors.ts';
import { makeDirectory } from '../makeDirectory.ts';
import { CLIENT_NAMES, type Place, SCOPES } from './registration.ts';

/** Registrations that we made and that are not removed, so that they can be found again. */
const recordSchema = z.object({
  registrations: z.array(
    z.object({
      client: z.enum(CLIENT_NAMES),
      scope: z.enum(SCOPES),
      /** Where it was made; for `user` it says nothing. */
      folder: z.string(),
    }),
  ),
});

export type Registration = z.infer<typeof recordSchema>['registrations'][number];

function recordFile(home: string): string {
  return join(home, 'registrations.json');
}

/**
 * What is registered, as far as we did it. None where the file is missing.
 *
 * @throws BridgeError `STATE_DIR_UNUSABLE` for a file that is not ours or broken
 */
export async function readRegistrations(home: string): Promise<Registration[]> {
  const file = recordFile(home);
  try {
    return recordSchema.parse(JSON.parse(await readFile(file, 'utf8'))).registrations;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new BridgeError(
      'STATE_DIR_UNUSABLE',
      `${file} can't be read: ${messageOf(error)}. Remove it; registrations are then removed client by client.`,
      { cause: error },
    );
  }
}

/** After one was made. */
export async function addRegistration(home: string, added: Registration): Promise<void> {
  const others = (await readRegistrations(home)).filter((each) => !isSame(each, added));
  await write(home, [...others, added]);
}

/** After one was removed. */
export async function dropRegistration(home: string, removed: Registration): Promise<void> {
  const all = await readRegistrations(home);
  const left = all.filter((each) => !isSame(each, removed));
  if (left.length === all.length) return;
  await write(home, left);
}

export function asPlace({ scope, folder }: Registration): Place {
  return { scope, folder };
}

function isSame(a: Registration, b: Registration): boolean {
  return a.client === b.client && a.scope === b.scope && (a.scope === 'user' || a.folder === b.folder);
}

async function write(home: string, registrations: readonly Registration[]): Promise<void> {
  const file = recordFile(home);
  if (registrations.length === 0) return rm(file, { force: true });
  makeDirectory(home);
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${JSON.stringify({ registrations }, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(draft, file);
}
