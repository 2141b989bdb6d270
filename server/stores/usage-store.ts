import type { Knex } from 'knex';
import type { ModelUse, UsagePurpose } from '../services/usage-service.ts';

/** Adds to what was used of the models today (UTC). */
export async function addUsage(db: Knex, uses: ModelUse[]): Promise<void> {
  await db.raw(
    `insert into model_usage (day, purpose, model, requests, tokens_in, tokens_out)
     select (now() at time zone 'utc')::date, u.purpose, u.model, u.requests, u.tokens_in, u.tokens_out
     from unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[])
       as u (purpose, model, requests, tokens_in, tokens_out)
     order by u.purpose, u.model
     on conflict (day, purpose, model) do update set requests = model_usage.requests + excluded.requests,
       tokens_in = model_usage.tokens_in + excluded.tokens_in, tokens_out = model_usage.tokens_out + excluded.tokens_out`,
    [
      uses.map(({ purpose }) => purpose),
      uses.map(({ model }) => model),
      uses.map(({ requests }) => requests),
      uses.map(({ tokensIn }) => tokensIn),
      uses.map(({ tokensOut }) => tokensOut),
    ],
  );
}

/** What was used of each model in the last so many days, today included, the most asked first. */
export async function sumUsage(db: Knex, days: number): Promise<ModelUse[]> {
  const { rows } = await db.raw<{
    rows: { purpose: UsagePurpose; model: string; requests: string; tokens_in: string; tokens_out: string }[];
  }>(
    `select purpose, model, sum(requests) as requests, sum(tokens_in) as tokens_in, sum(tokens_out) as tokens_out
     from model_usage where day > (now() at time zone 'utc')::date - ?::integer
     group by purpose, model order by sum(requests) desc, purpose, model`,
    [days],
  );
  return rows.map((row) => ({
    purpose: row.purpose,
    model: row.model,
    requests: Number(row.requests),
    tokensIn: Number(row.tokens_in),
    tokensOut: Number(row.tokens_out),
  }));
}
