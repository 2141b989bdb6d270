import type { Knex } from 'knex';
import { JOB_NAMES, type JobName } from './payloads.ts';

/** A job as one run of it claimed it: with every run the count grows, so an older run has no say any more. */
export type Claim = { id: string; retryCount: number };

/**
 * What every statement here does. The job waits to be run again at once. The run that came to nothing was not the job's fault, so it costs
 * none of its tries: the limit grows by one, and so does pg-boss's count of runs when the next one begins.
 */
const WAITS_AGAIN = `state = 'retry', retry_limit = retry_limit + 1, start_after = now(), heartbeat_on = null`;

/** Sets the jobs waiting again whose process has shown no sign of life for `seconds`. Gives their names. */
export async function returnLostJobs(db: Knex, seconds: number): Promise<JobName[]> {
  // `group_id` leads to pg-boss's index of the active jobs: however many wait, they are not looked at.
  const result = await db.raw<{ rows: { name: JobName }[] }>(
    `update pgboss.job set ${WAITS_AGAIN} where (name, id) in (
       select name, id from pgboss.job
       where name = any(?) and state = 'active' and group_id is not null
         and heartbeat_on < now() - ? * interval '1 second'
       for update skip locked
     ) returning name`,
    [[...JOB_NAMES], seconds],
  );
  return namesOf(result.rows);
}

/** Sets all running jobs waiting again: for a process that knows itself to be the only one. Gives their names. */
export async function returnAllJobs(db: Knex): Promise<JobName[]> {
  const result = await db.raw<{ rows: { name: JobName }[] }>(
    `update pgboss.job set ${WAITS_AGAIN} where name = any(?) and state = 'active' returning name`,
    [[...JOB_NAMES]],
  );
  return namesOf(result.rows);
}

/** Sets a job waiting again that its run gives up, if it still is that run's. */
export async function handBack(db: Knex, name: JobName, claim: Claim): Promise<void> {
  await db.raw(
    `update pgboss.job set ${WAITS_AGAIN} where name = ? and id = ? and state = 'active' and retry_count = ?`,
    [name, claim.id, claim.retryCount],
  );
}

const namesOf = (rows: { name: JobName }[]): JobName[] => [...new Set(rows.map(({ name }) => name))];
