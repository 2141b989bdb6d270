import type { Knex } from 'knex';
import type { ImportStages, ItemInWork } from '../services/import-progress.ts';

/** What a worker has in hand of one import. */
export type Activity = { importId: string; stages: Partial<ImportStages>; current: ItemInWork[] };

/** What was written longer ago is not true any more: its worker is gone, or cannot write. */
const FRESH = `interval '10 seconds'`;

/** Writes all that a worker has in hand, over what it had; and clears away what workers that are gone left. */
export async function saveActivity(db: Knex, workerId: string, activities: Activity[]): Promise<void> {
  await db.raw(
    `with gone as (
       delete from worker_activity
       where (worker_id = ? and import_id <> all(?::uuid[])) or (worker_id <> ? and at < now() - ${FRESH})
     )
     insert into worker_activity (worker_id, import_id, at, stages, current)
     select ?, import_id, clock_timestamp(), stages::jsonb, current::jsonb
     from unnest(?::uuid[], ?::text[], ?::text[]) as held (import_id, stages, current)
     on conflict (import_id, worker_id) do update
       set at = excluded.at, stages = excluded.stages, current = excluded.current`,
    [
      workerId,
      activities.map(({ importId }) => importId),
      workerId,
      workerId,
      activities.map(({ importId }) => importId),
      activities.map(({ stages }) => JSON.stringify(stages)),
      activities.map(({ current }) => JSON.stringify(current)),
    ],
  );
}

/** Whether any worker has work in hand. */
export async function isAnyoneWorking(db: Knex): Promise<boolean> {
  const { rows } = await db.raw<{ rows: { busy: boolean }[] }>(
    `select exists (select from worker_activity where at > clock_timestamp() - ${FRESH}) as busy`,
  );
  return rows[0]?.busy === true;
}

/** Rows that work in hand belongs to. */
export type WorkRows = { items: string[]; folders: string[]; imports: string[] };

/** Those of the rows that are still to be worked on. */
export async function listOpenWork(db: Knex, rows: WorkRows): Promise<Set<string>> {
  const found = (await db.raw(
    `select id from import_items where id = any(?::uuid[]) and state in ('waiting', 'running')
     union all select id from import_folders where id = any(?::uuid[]) and state = 'waiting'
     union all select id from imports where id = any(?::uuid[]) and status = 'running'`,
    [rows.items, rows.folders, rows.imports],
  )) as { rows: { id: string }[] };
  return new Set(found.rows.map(({ id }) => id));
}

/** How an import goes; of the settled items only those that were worked on count. */
export type Pace = {
  activities: Omit<Activity, 'importId'>[];
  /** Settled in the last minute, and the bytes of those that were indexed. */
  items: number;
  bytes: number;
  /** How much of that minute the import has run. */
  seconds: number;
  /** Whether any vendor asks anybody for a pause. */
  isAnyPaused: boolean;
};

/** One statement, for it is asked often. */
export async function findPace(db: Knex, importId: string): Promise<Pace | undefined> {
  const { rows } = (await db.raw(
    `select
       (
         select json_agg(json_build_object('stages', stages, 'current', current) order by worker_id)
         from worker_activity where import_id = imports.id and at > clock_timestamp() - ${FRESH}
       ) as activities,
       lately.items, lately.bytes,
       least(60, greatest(1, extract(epoch from clock_timestamp() - started_at))) as seconds,
       exists (select from vendor_pace where paused_until > clock_timestamp()) as is_any_paused
     from imports cross join lateral (
       select count(*) filter (where attempts > 0) as items,
         coalesce(sum(size_bytes) filter (where state = 'indexed'), 0) as bytes
       from import_items
       where import_id = imports.id and settled_at > clock_timestamp() - interval '1 minute'
     ) as lately
     where id = ?`,
    [importId],
  )) as {
    rows: {
      activities: Pace['activities'] | null;
      items: string;
      bytes: string;
      seconds: string;
      is_any_paused: boolean;
    }[];
  };
  const [row] = rows;
  return (
    row && {
      activities: row.activities ?? [],
      items: Number(row.items),
      bytes: Number(row.bytes),
      seconds: Number(row.seconds),
      isAnyPaused: row.is_any_paused,
    }
  );
}

/** Those of the integrations that an import still waits for. */
export async function listAwaited(db: Knex, importId: string, integrationIds: string[]): Promise<string[]> {
  if (integrationIds.length === 0) return [];
  const found = (await db.raw(
    `select id from unnest(?::uuid[]) as asked (id)
     where exists (
       select from import_items
       where import_id = ? and integration_id = asked.id and state in ('waiting', 'running')
     ) or exists (
       select from import_folders where import_id = ? and integration_id = asked.id and state = 'waiting'
     ) or exists (
       select from imports where id = ? and integration_id = asked.id and removals = 'reading'
     )`,
    [integrationIds, importId, importId, importId],
  )) as { rows: { id: string }[] };
  return found.rows.map(({ id }) => id);
}
