import type { Knex } from 'knex';

/**
 * What lies of each document in an index outside the database. A row outlives its document until the index has let go of it. The triggers
 * note what an index has to learn in the transaction that changes the document, whoever changes it; without such an index the table is empty.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table index_copies (
      -- begins the keys of the copy's passages
      id uuid primary key,
      -- host and name of the index
      index_name text not null,
      -- unknown while a new document is uploaded
      document_id uuid,
      -- whose vectors it has; null when some are missing
      embedder text,
      passages integer not null,
      -- only a current one is shown; what was uploaded for nothing, or is replaced or deleted, is left over
      state text not null constraint index_copies_state_check check (state in ('uploading', 'current', 'leftover')),
      -- changes of the document's title, place, category, account or date that the index was not told yet
      changes integer not null default 0,
      attempts integer not null default 0,
      -- when something is to be done about it, if there is; for an upload, when it counts as given up
      due_at timestamptz not null default now()
    );
    -- the copy that is shown
    create unique index index_copies_current_key on index_copies (document_id, index_name) where state = 'current';
    -- what is to be done
    create index index_copies_due_at_idx on index_copies (due_at) where state <> 'current' or changes > 0;

    create function note_document_deleted() returns trigger language plpgsql as $$
    begin
      update index_copies set state = 'leftover', due_at = now() where document_id = old.id and state = 'current';
      return null;
    end $$;
    create trigger documents_index_copies_deleted after delete on documents
      for each row execute function note_document_deleted();

    create function note_document_changed() returns trigger language plpgsql as $$
    begin
      update index_copies set changes = changes + 1, attempts = 0, due_at = now()
      where document_id = new.id and state = 'current';
      return null;
    end $$;
    create trigger documents_index_copies_changed after update on documents for each row
      when ((old.title, old.path, old.category, old.integration_id, old.modified_at)
        is distinct from (new.title, new.path, new.category, new.integration_id, new.modified_at))
      execute function note_document_changed();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop trigger documents_index_copies_changed on documents;
    drop trigger documents_index_copies_deleted on documents;
    drop function note_document_changed();
    drop function note_document_deleted();
    drop table index_copies;
  `);
}
