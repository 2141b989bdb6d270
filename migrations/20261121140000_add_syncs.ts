import type { Knex } from 'knex';

/** What keeps documents up to date: what was selected, the folders it holds, how far each change feed was read, when to read on. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table imports
      add column kind text not null default 'import' constraint imports_kind_check check (kind in ('import', 'sync')),
      add column integration_id uuid references user_integrations on delete set null,
      -- of a sync: the feeds are read, what is gone is looked for, waits for a person's answer, or is dealt with
      add column removals text
        constraint imports_removals_check check (removals in ('reading', 'pending', 'held', 'done')),
      -- why it failed as a whole: a sentence
      add column problem text;
    -- one sync at a time: two would each see half of what the other did
    create unique index imports_running_sync_key on imports (integration_id) where kind = 'sync' and status = 'running';
    -- the last syncs of an integration
    create index imports_integration_id_idx on imports (integration_id, started_at desc) where kind = 'sync';

    create table pending_removals (
      document_id uuid primary key references documents on delete cascade,
      integration_id uuid not null references user_integrations on delete cascade
    );
    -- what a sync is about to take away
    create index pending_removals_integration_id_idx on pending_removals (integration_id);

    alter table documents
      add column address text,
      add column parent_ref text,
      -- imported under a selection of its present integration, so that a sync may take it away
      add column followed boolean not null default false;
    -- what a change feed says is gone, by address or by the path above it
    create index documents_address_idx on documents (integration_id, address text_pattern_ops);
    -- what is in a folder
    create index documents_parent_ref_idx on documents (integration_id, parent_ref);

    create table selections (
      id uuid primary key default gen_random_uuid(),
      integration_id uuid not null references user_integrations on delete cascade,
      ref text not null,
      name text not null,
      path text not null,
      category text,
      recursive boolean not null,
      include_children boolean not null,
      include_attachments boolean not null,
      created_at timestamptz not null default now(),
      constraint selections_ref_key unique (integration_id, ref)
    );

    create table scope_folders (
      integration_id uuid not null references user_integrations on delete cascade,
      ref text not null,
      selection_id uuid not null references selections on delete cascade,
      parent_ref text,
      kind text not null constraint scope_folders_kind_check check (kind in ('folder', 'file')),
      -- all that is below at any depth is followed
      deep boolean not null,
      path text not null,
      address text,
      constraint scope_folders_pkey primary key (integration_id, ref)
    );
    -- the folders in a folder
    create index scope_folders_parent_ref_idx on scope_folders (integration_id, parent_ref);
    -- what a change feed says an item is in
    create index scope_folders_address_idx on scope_folders (integration_id, address text_pattern_ops);

    create table change_feeds (
      integration_id uuid not null references user_integrations on delete cascade,
      feed text not null,
      cursor text not null,
      read_at timestamptz not null default now(),
      constraint change_feeds_pkey primary key (integration_id, feed)
    );

    alter table user_integrations
      add column sync_minutes integer,
      add column next_sync_at timestamptz,
      -- a sync broke off after its feeds were read: the next one lists everything anew
      add column relist boolean not null default false;
    -- the integrations whose sync is due
    create index user_integrations_next_sync_at_idx on user_integrations (next_sync_at) where next_sync_at is not null;
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table user_integrations drop column sync_minutes, drop column next_sync_at, drop column relist;
    drop table change_feeds, scope_folders, selections, pending_removals;
    alter table documents drop column address, drop column parent_ref, drop column followed;
    alter table imports drop column kind, drop column integration_id, drop column removals,
      drop column problem;
  `);
}
