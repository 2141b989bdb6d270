import type { Knex } from 'knex';
import type { Platform } from '../../providers/provider.ts';
import type { Holdings } from '../services/overview-service.ts';

/** What the user's documents come to, service by service, the largest first. */
export async function sumDocuments(db: Knex, userId: string): Promise<Holdings[]> {
  const { rows } = await db.raw<{
    rows: { platform: Platform; documents: string; passages: string; bytes: string }[];
  }>(
    `select platform, count(*) as documents, coalesce(sum(chunk_count), 0) as passages, coalesce(sum(size_bytes), 0) as bytes
     from documents where user_id = ? group by platform order by count(*) desc, platform`,
    [userId],
  );
  return rows.map(({ platform, documents, passages, bytes }) => ({
    platform,
    documents: Number(documents),
    passages: Number(passages),
    bytes: Number(bytes),
  }));
}

/** How many of the user's documents were imported, for the last time, on each of the last so many days (UTC), today last. */
export async function countImportedByDay(
  db: Knex,
  userId: string,
  days: number,
): Promise<{ day: Date; documents: number }[]> {
  const { rows } = await db.raw<{ rows: { day: string; documents: string }[] }>(
    `with days as (
       select day::date as day from generate_series(
         (now() at time zone 'utc')::date - (?::integer - 1), (now() at time zone 'utc')::date, interval '1 day'
       ) as day
     ), imported as (
       select (imported_at at time zone 'utc')::date as day, count(*) as documents from documents
       where user_id = ? and imported_at >= (select min(day) from days)::timestamp at time zone 'utc' group by 1
     )
     select to_char(days.day, 'YYYY-MM-DD') as day, coalesce(imported.documents, 0) as documents
     from days left join imported using (day) order by days.day`,
    [days, userId],
  );
  return rows.map(({ day, documents }) => ({ day: new Date(`${day}T00:00:00Z`), documents: Number(documents) }));
}
