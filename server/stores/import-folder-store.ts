import type { Knex } from 'knex';

/** A folder whose content goes into an import; `cursor` is how far it was listed. */
export type ImportFolder = {
  id: string;
  importId: string;
  integrationId: string | null;
  ref: string;
  path: string;
  cursor?: string;
  state: 'waiting' | 'done' | 'failed';
};

type FolderRow = {
  id: string;
  import_id: string;
  integration_id: string | null;
  ref: string;
  path: string;
  cursor: string | null;
  state: ImportFolder['state'];
};

/** Adds folders that the import does not have yet. Gives the ids of the new ones. */
export async function insertImportFolders(
  trx: Knex.Transaction,
  importId: string,
  integrationId: string,
  folders: { ref: string; path: string }[],
): Promise<string[]> {
  if (folders.length === 0) return [];
  const rows = (await trx('import_folders')
    .insert(folders.map(({ ref, path }) => ({ import_id: importId, integration_id: integrationId, ref, path })))
    .onConflict(['import_id', 'integration_id', 'ref'])
    .ignore()
    .returning('id')) as { id: string }[];
  return rows.map((row) => row.id);
}

/** Adds the folder, or sets one that failed waiting again where its listing stopped. Undefined when it is listed already. */
export async function reviveImportFolder(
  trx: Knex.Transaction,
  importId: string,
  integrationId: string,
  folder: { ref: string; path: string },
): Promise<string | undefined> {
  const [row] = (await trx('import_folders')
    .insert({ import_id: importId, integration_id: integrationId, ref: folder.ref, path: folder.path })
    .onConflict(['import_id', 'integration_id', 'ref'])
    .merge({ state: 'waiting' })
    .where('import_folders.state', 'failed')
    .returning('id')) as { id: string }[];
  return row?.id;
}

export async function findImportFolder(db: Knex, id: string): Promise<ImportFolder | undefined> {
  const row = (await db('import_folders')
    .where({ id })
    .first('id', 'import_id', 'integration_id', 'ref', 'path', 'cursor', 'state')) as FolderRow | undefined;
  return (
    row && {
      id: row.id,
      importId: row.import_id,
      integrationId: row.integration_id,
      ref: row.ref,
      path: row.path,
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

export async function listWaitingFolders(db: Knex, importId: string): Promise<string[]> {
  return (await db('import_folders').where({ import_id: importId, state: 'waiting' }).pluck('id')) as string[];
}
