import type { Knex } from 'knex';
import { inBatches } from './batches.ts';

/** A folder, or a file that holds items, whose content goes into an import; `cursor` is how far it was listed. */
export type ImportFolder = {
  id: string;
  importId: string;
  integrationId: string | null;
  ref: string;
  path: string;
  /** All that is below at any depth is wanted. */
  deep: boolean;
  cursor?: string;
  state: 'waiting' | 'done' | 'failed';
};

export type NewImportFolder = Pick<ImportFolder, 'ref' | 'path' | 'deep'>;

type FolderRow = {
  id: string;
  import_id: string;
  integration_id: string | null;
  ref: string;
  path: string;
  deep: boolean;
  cursor: string | null;
  state: ImportFolder['state'];
};

/** Adds folders that the import does not have yet. Gives the ids of the new ones. */
export async function insertImportFolders(
  trx: Knex.Transaction,
  importId: string,
  integrationId: string,
  folders: NewImportFolder[],
): Promise<string[]> {
  const ids: string[] = [];
  for (const batch of inBatches(folders)) {
    const rows = (await trx('import_folders')
      .insert(batch.map((folder) => ({ import_id: importId, integration_id: integrationId, ...folder })))
      .onConflict(['import_id', 'integration_id', 'ref', 'deep'])
      .ignore()
      .returning('id')) as { id: string }[];
    ids.push(...rows.map((row) => row.id));
  }
  return ids;
}

/** Sets the listings of an item that failed waiting again, each where it stopped. Gives their ids. */
export async function reopenImportFolders(
  trx: Knex.Transaction,
  importId: string,
  integrationId: string,
  ref: string,
): Promise<string[]> {
  const rows = (await trx('import_folders')
    .where({ import_id: importId, integration_id: integrationId, ref, state: 'failed' })
    .update({ state: 'waiting' })
    .returning('id')) as { id: string }[];
  return rows.map((row) => row.id);
}

export async function findImportFolder(db: Knex, id: string): Promise<ImportFolder | undefined> {
  const row = (await db('import_folders')
    .where({ id })
    .first('id', 'import_id', 'integration_id', 'ref', 'path', 'deep', 'cursor', 'state')) as FolderRow | undefined;
  return (
    row && {
      id: row.id,
      importId: row.import_id,
      integrationId: row.integration_id,
      ref: row.ref,
      path: row.path,
      deep: row.deep,
      cursor: row.cursor ?? undefined,
      state: row.state,
    }
  );
}

/** Saves how far the folder is listed; without a cursor it is done. */
export async function advanceImportFolder(
  trx: Knex.Transaction,
  id: string,
  cursor: string | undefined,
): Promise<void> {
  await trx('import_folders')
    .where({ id })
    .update(cursor === undefined ? { state: 'done', cursor: null } : { cursor });
}

export async function failImportFolder(trx: Knex.Transaction, id: string): Promise<void> {
  await trx('import_folders').where({ id }).update({ state: 'failed' });
}

export async function closeImportFolders(
  trx: Knex.Transaction,
  scope: { importId: string } | { integrationId: string },
): Promise<void> {
  const where = 'importId' in scope ? { import_id: scope.importId } : { integration_id: scope.integrationId };
  await trx('import_folders')
    .where({ ...where, state: 'waiting' })
    .update({ state: 'done', cursor: null });
}

export async function listImportFolders(
  db: Knex,
  importId: string,
): Promise<{ ref: string; state: ImportFolder['state'] }[]> {
  return (await db('import_folders').where({ import_id: importId }).select('ref', 'state')) as {
    ref: string;
    state: ImportFolder['state'];
  }[];
}

export async function listWaitingFolders(db: Knex, importId: string): Promise<string[]> {
  return (await db('import_folders').where({ import_id: importId, state: 'waiting' }).pluck('id')) as string[];
}
