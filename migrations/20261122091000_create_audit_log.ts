import type { Knex } from 'knex';

/** Who did what, when and from where. No row refers to another table: what is told stays when its subject is gone. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table audit_log (
      id bigint generated always as identity primary key,
      at timestamptz not null default now(),
      action text not null,
      actor_kind text not null
        constraint audit_log_actor_kind_check check (actor_kind in ('user', 'stranger', 'operator', 'hub')),
      actor_id uuid,
      -- the address as it was then
      actor_name text,
      subject_kind text,
      subject_id text,
      subject_name text,
      details jsonb not null default '{}',
      address text,
      user_agent text,
      request_id text
    );
    -- a span of time, and what is older than it is kept
    create index audit_log_at_idx on audit_log (at);
    -- one kind of event, newest first
    create index audit_log_action_idx on audit_log (action, id desc);

    create function keep_audit_log() returns trigger language plpgsql as $$
    begin
      -- only the retention says this, for its own transaction; what is of today is kept from it too
      if tg_op = 'DELETE' and current_setting('tributary.audit_retention', true) = 'on' then
        if old.at < now() - interval '1 day' then
          return old;
        end if;
      end if;
      raise exception 'audit_log is append-only: % is refused', tg_op using errcode = 'insufficient_privilege';
    end
    $$;
    create trigger audit_log_rows before update or delete on audit_log
      for each row execute function keep_audit_log();
    create trigger audit_log_whole before truncate on audit_log
      for each statement execute function keep_audit_log();
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table audit_log; drop function keep_audit_log();');
}
