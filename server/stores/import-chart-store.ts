import type { Knex } from 'knex';
import type { ImportCharts } from '../services/import-charts.ts';
import type { ItemState } from '../services/import-service.ts';

/** How many items ended in each of so many equal parts of the time from the import's start to its end, or to now. */
export async function countSettledOverTime(
  db: Knex,
  importId: string,
  slots: number,
): Promise<Pick<ImportCharts, 'slots' | 'seconds'>> {
  const { rows } = await db.raw<{ rows: { seconds: string; slot: number | null; brought: string; others: string }[] }>(
    `with span as (
       select started_at as begins, greatest(1, extract(epoch from coalesce(finished_at, now()) - started_at)) as seconds
       from imports where id = ?
     )
     select span.seconds, counted.slot, counted.brought, counted.others
     from span left join lateral (
       select least(?::integer - 1, greatest(0, floor(extract(epoch from settled_at - span.begins) / span.seconds * ?)))::integer as slot,
         count(*) filter (where state in ('indexed', 'unchanged')) as brought,
         count(*) filter (where state not in ('indexed', 'unchanged')) as others
       from import_items where import_id = ? and settled_at is not null group by 1
     ) as counted on true`,
    [importId, slots, slots, importId],
  );
  const found = Array.from({ length: slots }, () => ({ brought: 0, others: 0 }));
  for (const { slot, brought, others } of rows)
    if (slot !== null) found[slot] = { brought: Number(brought), others: Number(others) };
  return { slots: found, seconds: Number(rows[0]?.seconds ?? 0) };
}

/** Why items were not imported, the most frequent reasons first. */
export async function countReasons(db: Knex, importId: string, limit: number): Promise<ImportCharts['reasons']> {
  const { rows } = await db.raw<{ rows: { state: ItemState; reason_code: string | null; items: string }[] }>(
    `select state, reason_code, count(*) as items from import_items
     where import_id = ? and state in ('skipped', 'failed')
     group by state, reason_code order by count(*) desc, state, reason_code limit ?`,
    [importId, limit],
  );
  return rows.map(({ state, reason_code: code, items }) => ({ state, code: code ?? 'internal', items: Number(items) }));
}
