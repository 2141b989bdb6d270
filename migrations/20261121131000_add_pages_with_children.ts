import type { Knex } from 'knex';

/** Items that hold items: what an import brings of them, how deep each listing goes, and what a document tells beside its text. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table imports
      add column include_children boolean not null default false,
      add column include_attachments boolean not null default false;

    -- Whether all that is below is wanted. The same item may be listed both ways: a page for its attachments alone because it was
    -- selected, and for everything below it because its space was.
    alter table import_folders add column deep boolean not null default true;
    update import_folders set deep = imports.recursive from imports where imports.id = import_folders.import_id;
    alter table import_folders drop constraint import_folders_ref_key;
    alter table import_folders add constraint import_folders_ref_key unique (import_id, integration_id, ref, deep);

    -- True: the row says that what is in the item could not be listed; the item itself may have a row of its own.
    alter table import_items add column listing boolean not null default false;
    update import_items set listing = true where kind = 'folder' and state <> 'skipped';
    alter table import_items drop constraint import_items_ref_key;
    alter table import_items add constraint import_items_ref_key unique (import_id, integration_id, item_ref, listing);

    -- json, not jsonb: it keeps the order of the members, which is the order of reading
    alter table documents add column details json not null default '{}';
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table documents drop column details;

    delete from import_items as listed where listing and exists (
      select 1 from import_items as item
      where item.import_id = listed.import_id and item.integration_id = listed.integration_id
        and item.item_ref = listed.item_ref and not item.listing
    );
    alter table import_items drop constraint import_items_ref_key;
    alter table import_items drop column listing;
    alter table import_items add constraint import_items_ref_key unique (import_id, integration_id, item_ref);

    delete from import_folders as shallow where not deep and exists (
      select 1 from import_folders as folder
      where folder.import_id = shallow.import_id and folder.integration_id = shallow.integration_id
        and folder.ref = shallow.ref and folder.deep
    );
    alter table import_folders drop constraint import_folders_ref_key;
    alter table import_folders drop column deep;
    alter table import_folders add constraint import_folders_ref_key unique (import_id, integration_id, ref);

    alter table imports drop column include_children, drop column include_attachments;
  `);
}
