import type { Knex } from 'knex';

/** What models were asked for, by day: every process adds to the rows. */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table model_usage (
      -- in UTC
      day date not null,
      purpose text not null constraint model_usage_purpose_check check (purpose in ('embedding', 'answers')),
      model text not null,
      -- repeated ones too
      requests bigint not null default 0,
      -- as the model's server tells; read by the model, and written by it
      tokens_in bigint not null default 0,
      tokens_out bigint not null default 0,
      constraint model_usage_pkey primary key (day, purpose, model)
    );
  `);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table model_usage');
}
