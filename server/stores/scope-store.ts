import type { Knex } from 'knex';
import type { ImportFilters } from '../services/import-filters.ts';

/** What a person selected for import, with the choices made then: a sync keeps it up to date. */
export type Selection = {
  id: string;
  integrationId: string;
  ref: string;
  name: string;
  path: string;
  category?: string;
  recursive: boolean;
  includeChildren: boolean;
  includeAttachments: boolean;
  /** What is left out of what it holds; itself it is never. */
  filters?: ImportFilters;
  createdAt: Date;
};

type SelectionRow = {
  id: string;
  integration_id: string;
  ref: string;
  name: string;
  path: string;
  category: string | null;
  recursive: boolean;
  include_children: boolean;
  include_attachments: boolean;
  filters: ImportFilters | null;
  created_at: Date;
};

const COLUMNS = [
  'id',
  'integration_id',
  'ref',
  'name',
  'path',
  'category',
  'recursive',
  'include_children',
  'include_attachments',
  'filters',
  'created_at',
];

const toSelection = (row: SelectionRow): Selection => ({
  id: row.id,
  integrationId: row.integration_id,
  ref: row.ref,
  name: row.name,
  path: row.path,
  category: row.category ?? undefined,
  recursive: row.recursive,
  includeChildren: row.include_children,
  includeAttachments: row.include_attachments,
  filters: row.filters ?? undefined,
  createdAt: row.created_at,
});

/** Remembers what was selected; selected again, the newer choices hold. Gives ids in the order of the selections. */
export async function saveSelections(
  trx: Knex.Transaction,
  selections: Omit<Selection, 'id' | 'createdAt'>[],
): Promise<string[]> {
  if (selections.length === 0) return [];
  const rows = (await trx('selections')
    .insert(
      selections.map((selection) => ({
        integration_id: selection.integrationId,
        ref: selection.ref,
        name: selection.name,
        path: selection.path,
        category: selection.category ?? null,
        recursive: selection.recursive,
        include_children: selection.includeChildren,
        include_attachments: selection.includeAttachments,
        filters: selection.filters ? JSON.stringify(selection.filters) : null,
      })),
    )
    .onConflict(['integration_id', 'ref'])
    .merge(['name', 'path', 'category', 'recursive', 'include_children', 'include_attachments', 'filters'])
    .returning('id')) as { id: string }[];
  return rows.map((row) => row.id);
}

/** By path, as people read them. */
export async function listSelections(db: Knex, integrationId: string): Promise<Selection[]> {
  const rows = (await db('selections')
    .where({ integration_id: integrationId })
    .select(COLUMNS)
    .orderBy(['path', 'ref'])) as SelectionRow[];
  return rows.map(toSelection);
}

/** Those of the refs that were selected by themselves. */
export async function findSelected(db: Knex, integrationId: string, refs: string[]): Promise<Set<string>> {
  const found = (await db('selections')
    .where({ integration_id: integrationId })
    .whereIn('ref', refs)
    .pluck('ref')) as string[];
  return new Set(found);
}

export async function hasSelections(db: Knex, integrationId: string): Promise<boolean> {
  return (await db('selections').where({ integration_id: integrationId }).first('id')) !== undefined;
}

/** Notes what a selected item is called, once the vendor has said so. */
export async function describeSelection(
  trx: Knex.Transaction,
  integrationId: string,
  item: { ref: string; name: string; path: string },
): Promise<void> {
  await trx('selections')
    .where({ integration_id: integrationId, ref: item.ref })
    .update({ name: item.name, path: item.path });
}

/**
 * False when there is no such selection. What was imported by it stays and is no longer followed; where another selection holds it too, only
 * listing that one anew finds it out.
 */
export async function deleteSelection(trx: Knex.Transaction, integrationId: string, id: string): Promise<boolean> {
  const selection = { id, integration_id: integrationId };
  await trx.raw(
    `with selected as (
       select ref from selections where id = :id and integration_id = :integration_id
       union
       select ref from scope_folders where selection_id = :id and integration_id = :integration_id
     ), released as (
       update documents set followed = false
       where integration_id = :integration_id
         and (item_ref in (select ref from selected) or parent_ref in (select ref from selected))
       returning id
     )
     delete from pending_removals where document_id in (select id from released)`,
    selection,
  );
  return (await trx('selections').where(selection).delete()) > 0;
}

/** A folder, or a file that holds items, whose content is followed, and the selection that holds it. */
export type ScopeFolder = {
  ref: string;
  selectionId: string;
  kind: 'folder' | 'file';
  /** All that is below at any depth is followed. */
  deep: boolean;
  parentRef?: string;
  path: string;
  address?: string;
};

type FolderRow = {
  ref: string;
  selection_id: string;
  kind: ScopeFolder['kind'];
  deep: boolean;
  parent_ref: string | null;
  path: string;
  address: string | null;
};

export async function saveScopeFolders(
  trx: Knex.Transaction,
  integrationId: string,
  folders: ScopeFolder[],
): Promise<void> {
  if (folders.length === 0) return;
  await trx('scope_folders')
    .insert(
      folders.map(({ ref, selectionId, kind, deep, parentRef, path, address }) => ({
        integration_id: integrationId,
        ref,
        selection_id: selectionId,
        kind,
        deep,
        parent_ref: parentRef ?? null,
        path,
        address: address ?? null,
      })),
    )
    .onConflict(['integration_id', 'ref'])
    // Listed on its own, a folder is told apart from its parent; listed in it, it is not: what is known stays.
    .merge({
      selection_id: trx.raw('excluded.selection_id'),
      kind: trx.raw('excluded.kind'),
      deep: trx.raw('excluded.deep'),
      parent_ref: trx.raw('coalesce(excluded.parent_ref, scope_folders.parent_ref)'),
      path: trx.raw('excluded.path'),
      address: trx.raw('coalesce(excluded.address, scope_folders.address)'),
    });
}

/** Followed folders by their refs, or by their addresses. */
export async function findScopeFolders(
  db: Knex,
  integrationId: string,
  by: 'ref' | 'address',
  values: string[],
): Promise<Map<string, ScopeFolder>> {
  if (values.length === 0) return new Map();
  const rows = (await db('scope_folders')
    .where({ integration_id: integrationId })
    .whereIn(by, values)
    .select('ref', 'selection_id', 'kind', 'deep', 'parent_ref', 'path', 'address')) as FolderRow[];
  return new Map(
    rows.map((row) => [
      row[by] ?? '',
      {
        ref: row.ref,
        selectionId: row.selection_id,
        kind: row.kind,
        deep: row.deep,
        parentRef: row.parent_ref ?? undefined,
        path: row.path,
        address: row.address ?? undefined,
      },
    ]),
  );
}

/** The refs of followed folders that an address names, or that lie below it. */
export async function findScopeFoldersAt(db: Knex, integrationId: string, address: string): Promise<string[]> {
  return (await db('scope_folders')
    .where({ integration_id: integrationId })
    .where((at) => void at.where({ address }).orWhereRaw(`starts_with(address, ?)`, [`${address}/`]))
    .pluck('ref')) as string[];
}

/** The folders themselves and all followed folders in them, at any depth: for the `with` of a query. */
const BELOW = `
  below (ref) as (
    select unnest(?::text[])
    union
    select scope_folders.ref from scope_folders join below on scope_folders.parent_ref = below.ref
    where scope_folders.integration_id = ?
  )`;

/** The followed documents in these folders at any depth, and those that a ref names itself. */
export async function findDocumentsBelow(db: Knex, integrationId: string, refs: string[]): Promise<string[]> {
  if (refs.length === 0) return [];
  const result = (await db.raw(
    `with recursive ${BELOW}
     select id from documents
     where integration_id = ? and followed
       and (parent_ref in (select ref from below) or item_ref in (select ref from below))`,
    [refs, integrationId, integrationId],
  )) as { rows: { id: string }[] };
  return result.rows.map((row) => row.id);
}

/** Gives a folder its new place: paths of what is in it follow, and nothing is fetched again. */
export async function moveScopeFolder(
  trx: Knex.Transaction,
  integrationId: string,
  from: ScopeFolder,
  to: Omit<ScopeFolder, 'ref'>,
): Promise<void> {
  await trx.raw(
    `with recursive ${BELOW}, moved as (
       update scope_folders set path = ? || substr(path, char_length(?) + 1)
       where integration_id = ? and ref in (select ref from below)
     )
     update documents set path = ? || substr(path, char_length(?) + 1)
     where integration_id = ? and parent_ref in (select ref from below)`,
    [[from.ref], integrationId, to.path, from.path, integrationId, to.path, from.path, integrationId],
  );
  await trx('scope_folders')
    .where({ integration_id: integrationId, ref: from.ref })
    .update({
      selection_id: to.selectionId,
      deep: to.deep,
      parent_ref: to.parentRef ?? null,
      ...(to.address === undefined ? {} : { address: to.address }),
    });
}

/**
 * Gives the documents below another one their new paths. They have no folder of their own where a listing brought all levels at once: they are in
 * the same followed folder, and their paths go on where its path ends.
 */
export async function moveDocumentsBelow(
  trx: Knex.Transaction,
  integrationId: string,
  from: { path: string; parentRef?: string },
  to: { path: string; parentRef?: string },
): Promise<void> {
  if (from.parentRef === undefined) return;
  await trx.raw(
    `update documents set path = ? || substr(path, char_length(?) + 1), parent_ref = ?
     where integration_id = ? and parent_ref = ? and starts_with(path, ?)`,
    [to.path, from.path, to.parentRef ?? from.parentRef, integrationId, from.parentRef, `${from.path}/`],
  );
}

/** These folders and those in them are no longer followed. Gives the refs of all of them. */
export async function deleteScopeFolders(
  trx: Knex.Transaction,
  integrationId: string,
  refs: string[],
): Promise<string[]> {
  if (refs.length === 0) return [];
  const result = (await trx.raw(
    `with recursive ${BELOW}
     delete from scope_folders where integration_id = ? and ref in (select ref from below) returning ref`,
    [refs, integrationId, integrationId],
  )) as { rows: { ref: string }[] };
  return result.rows.map((row) => row.ref);
}

/** The listing of a followed place has told its address. */
export async function setScopeAddress(
  trx: Knex.Transaction,
  integrationId: string,
  ref: string,
  address: string,
): Promise<void> {
  await trx('scope_folders').where({ integration_id: integrationId, ref }).update({ address });
}

/** The selection that an item is followed by: as itself, or as what is in a folder. */
export async function findSelectionOf(
  db: Knex,
  integrationId: string,
  item: { ref: string; parentRef?: string },
): Promise<Selection | undefined> {
  const row = (await db('selections')
    .where({ integration_id: integrationId })
    .where(
      (by) =>
        void by.where({ ref: item.ref }).orWhereIn(
          'id',
          db('scope_folders')
            .where({ integration_id: integrationId })
            .whereIn('ref', [item.ref, ...(item.parentRef === undefined ? [] : [item.parentRef])])
            .select('selection_id'),
        ),
    )
    // Its own choices count before those of what holds it.
    .orderByRaw('ref = ? desc', [item.ref])
    .first(COLUMNS)) as SelectionRow | undefined;
  return row && toSelection(row);
}
