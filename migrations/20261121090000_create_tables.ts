import type { Knex } from 'knex';

/** The whole first schema. Words are those of the glossary in docs/architecture.md; all text is TEXT, all times timestamptz. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table users (
      id uuid primary key default gen_random_uuid(),
      email text not null,
      name text not null,
      password_hash text not null,
      role text not null constraint users_role_check check (role in ('admin', 'member')),
      disabled_at timestamptz,
      created_at timestamptz not null default now()
    );
    -- sign-in looks a user up by address without regard to case
    create unique index users_email_key on users (lower(email));

    create table sessions (
      sid text primary key,
      sess jsonb not null,
      user_id uuid references users on delete cascade,
      expires_at timestamptz not null
    );
    -- pruning of expired sessions
    create index sessions_expires_at_idx on sessions (expires_at);

    create table api_tokens (
      id uuid primary key default gen_random_uuid(),
      user_id uuid not null references users on delete cascade,
      name text not null,
      token_hash text not null constraint api_tokens_token_hash_key unique,
      created_at timestamptz not null default now(),
      expires_at timestamptz,
      last_used_at timestamptz
    );
    -- a user's token list
    create index api_tokens_user_id_idx on api_tokens (user_id, created_at desc);

    create table user_integrations (
      id uuid primary key default gen_random_uuid(),
      user_id uuid not null references users on delete cascade,
      platform text not null,
      account_id text not null,
      account_email text,
      account_name text,
      status text not null default 'active'
        constraint user_integrations_status_check check (status in ('active', 'needs_reconnect', 'disconnecting')),
      status_detail text,
      scopes text[] not null default '{}',
      connected_at timestamptz not null default now(),
      last_sync_at timestamptz,
      constraint user_integrations_account_key unique (user_id, platform, account_id)
    );

    create table integration_credentials (
      integration_id uuid primary key references user_integrations on delete cascade,
      sealed text not null,
      expires_at timestamptz not null,
      version integer not null default 1
    );

    create table oauth_states (
      state_hash text primary key,
      user_id uuid not null references users on delete cascade,
      session_hash text not null,
      platform text not null,
      integration_id uuid references user_integrations on delete cascade,
      sealed_verifier text not null,
      redirect_uri text not null,
      expires_at timestamptz not null
    );
    -- pruning of expired states
    create index oauth_states_expires_at_idx on oauth_states (expires_at);

    create table imports (
      id uuid primary key default gen_random_uuid(),
      user_id uuid not null references users on delete cascade,
      status text not null default 'running'
        constraint imports_status_check check (status in ('running', 'finished', 'cancelled', 'failed')),
      category text,
      recursive boolean not null default true,
      started_at timestamptz not null default now(),
      finished_at timestamptz
    );
    -- a user's imports, newest first
    create index imports_user_id_idx on imports (user_id, started_at desc);

    create sequence import_change_seq;

    create table documents (
      id uuid primary key default gen_random_uuid(),
      user_id uuid not null references users on delete cascade,
      integration_id uuid references user_integrations on delete set null,
      platform text not null,
      account_id text not null,
      item_ref text not null,
      title text not null,
      path text not null,
      category text,
      media_type text not null,
      format text not null,
      size_bytes bigint,
      url text,
      version text,
      content_hash text not null,
      text text not null,
      chunk_count integer not null,
      modified_at timestamptz,
      imported_at timestamptz not null default now(),
      constraint documents_item_key unique (user_id, platform, account_id, item_ref)
    );
    -- a user's documents, newest first
    create index documents_user_id_idx on documents (user_id, imported_at desc, id);
    -- documents of one integration, for disconnect and cards
    create index documents_integration_id_idx on documents (integration_id);

    create table chunks (
      id bigint generated always as identity primary key,
      document_id uuid not null references documents on delete cascade,
      ordinal integer not null,
      text text not null,
      heading_path text[] not null default '{}',
      page integer,
      anchor text,
      token_count integer not null,
      text_hash text not null,
      terms tsvector not null,
      constraint chunks_ordinal_key unique (document_id, ordinal)
    );
    -- the keyword arm of search
    create index chunks_terms_idx on chunks using gin (terms);

    create table import_folders (
      id uuid primary key default gen_random_uuid(),
      import_id uuid not null references imports on delete cascade,
      integration_id uuid references user_integrations on delete cascade,
      ref text not null,
      path text not null,
      cursor text,
      state text not null default 'waiting'
        constraint import_folders_state_check check (state in ('waiting', 'done', 'failed')),
      constraint import_folders_ref_key unique (import_id, integration_id, ref)
    );

    create table import_items (
      id uuid primary key default gen_random_uuid(),
      import_id uuid not null references imports on delete cascade,
      integration_id uuid references user_integrations on delete set null,
      item_ref text not null,
      name text not null,
      path text not null,
      kind text not null default 'file'
        constraint import_items_kind_check check (kind in ('file', 'folder', 'unknown')),
      state text not null default 'waiting'
        constraint import_items_state_check
        check (state in ('waiting', 'running', 'indexed', 'unchanged', 'skipped', 'failed', 'removed')),
      reason text,
      reason_code text,
      document_id uuid references documents on delete set null,
      chunk_count integer,
      size_bytes bigint,
      attempts integer not null default 0,
      position bigint generated always as identity,
      changed bigint not null default nextval('import_change_seq'),
      constraint import_items_ref_key unique (import_id, integration_id, item_ref)
    );
    -- the ledger of one import in listing order, and its counts by state
    create index import_items_position_idx on import_items (import_id, position);
    create index import_items_state_idx on import_items (import_id, state);
    -- what changed since the last progress event
    create index import_items_changed_idx on import_items (import_id, changed);
    -- which items of an integration were imported: badges in the browser
    create index documents_item_ref_idx on documents (integration_id, item_ref);
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table import_items, import_folders, chunks, documents, imports, oauth_states, integration_credentials,
      user_integrations, api_tokens, sessions, users;
    drop sequence import_change_seq;
  `);
}
