import type { Knex } from 'knex';

/** What the ledger tells of one document: which version each import met, found from the document. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    -- of what was indexed or found unchanged; null for items from before this was noted
    alter table import_items
      -- as the vendor names it
      add column version text,
      add column modified_at timestamptz,
      -- SHA-256 of the bytes, hex
      add column content_hash text;
    -- a document's imports; and taking documents away, which lets go of their ledger rows
    create index import_items_document_id_idx on import_items (document_id) where document_id is not null;
    -- an item's imports that brought no document; and taking an integration away
    create index import_items_item_ref_idx on import_items (integration_id, item_ref);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop index import_items_item_ref_idx;
    drop index import_items_document_id_idx;
    alter table import_items drop column version, drop column modified_at, drop column content_hash;
  `);
}
