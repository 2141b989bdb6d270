import type { Knex } from 'knex';
import { JOB_NAMES, type JobName } from './payloads.ts';

/** How many jobs of one queue are in one state; `waitedMs` is how long the one that waits longest has waited. */
export type QueueDepth = { name: JobName; state: 'waiting' | 'planned' | 'running'; count: number; waitedMs: number };

/** The jobs of all processes that have not ended. A queue without any has no row. */
export async function countJobs(db: Knex): Promise<QueueDepth[]> {
  const { rows } = await db.raw<{
    rows: (Omit<QueueDepth, 'count' | 'waitedMs'> & { count: string; waited: string })[];
  }>(
    `select name, case when state = 'active' then 'running' when start_after > now() then 'planned' else 'waiting' end as state,
       count(*) as count, extract(epoch from now() - min(greatest(created_on, start_after))) as waited
     from pgboss.job where name = any(?) and state < 'completed' group by 1, 2`,
    [[...JOB_NAMES]],
  );
  return rows.map(({ name, state, count, waited }) => ({
    name,
    state,
    count: Number(count),
    waitedMs: state === 'waiting' ? Math.max(0, Number(waited) * 1000) : 0,
  }));
}
