import type { Knex } from 'knex';

/** What people and other systems are told, and how far each channel got with it. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table notifications (
      id uuid primary key default gen_random_uuid(),
      user_id uuid not null references users on delete cascade,
      event text not null,
      -- what it is about: the same event of the same subject is told once while it stands
      subject text not null,
      integration_id uuid references user_integrations on delete set null,
      import_id uuid references imports on delete set null,
      payload jsonb not null default '{}',
      -- worth a mail; a webhook is told of everything
      mail boolean not null,
      created_at timestamptz not null default now(),
      -- handed to the channels that are set up
      routed_at timestamptz,
      -- its cause is gone; of what asks for nothing, the time it was written
      resolved_at timestamptz,
      dismissed_at timestamptz
    );
    -- what stands is told once
    create unique index notifications_subject_key on notifications (event, subject) where resolved_at is null;
    -- the lines above every page
    create index notifications_open_idx on notifications (user_id, created_at desc)
      where resolved_at is null and dismissed_at is null;
    -- a user's notifications, newest first
    create index notifications_user_id_idx on notifications (user_id, created_at desc, id desc);
    -- what still has to be handed to the channels
    create index notifications_unrouted_idx on notifications (created_at) where routed_at is null;
    -- what was told of an account, and of an import
    create index notifications_integration_id_idx on notifications (integration_id);
    create index notifications_import_id_idx on notifications (import_id);

    create table notification_deliveries (
      id uuid primary key default gen_random_uuid(),
      notification_id uuid not null references notifications on delete cascade,
      channel text not null constraint notification_deliveries_channel_check check (channel in ('mail', 'webhook')),
      state text not null default 'waiting'
        constraint notification_deliveries_state_check check (state in ('waiting', 'sent', 'failed')),
      attempts integer not null default 0,
      -- when it is tried (again); while it is tried, when it counts as given up by a process that died
      due_at timestamptz not null default now(),
      -- why the last attempt failed: a sentence
      problem text,
      settled_at timestamptz,
      constraint notification_deliveries_channel_key unique (notification_id, channel)
    );
    -- what is due
    create index notification_deliveries_due_at_idx on notification_deliveries (due_at) where state = 'waiting';

    -- accounts that have a problem already are shown, and nobody is written to about them
    insert into notifications (user_id, event, subject, integration_id, payload, mail, routed_at)
      select user_id, 'integration.' || status, 'integration:' || id, id,
        jsonb_build_object('platform', platform, 'account', coalesce(account_email, account_name, account_id),
          'detail', status_detail), true, now()
      from user_integrations where status in ('needs_reconnect', 'missing_scope');
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table notification_deliveries, notifications');
}
