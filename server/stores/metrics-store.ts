import type { Knex } from 'knex';

/** Rows of all ledgers by their state, and by the code of the reason where they have one. */
export async function countItems(db: Knex): Promise<{ state: string; reason: string; count: number }[]> {
  const { rows } = await db.raw<{ rows: { state: string; reason: string; count: string }[] }>(
    `select state, coalesce(reason_code, '') as reason, count(*) as count from import_items group by 1, 2`,
  );
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}

/** Connected accounts by platform and status. */
export async function countIntegrations(db: Knex): Promise<{ platform: string; status: string; count: number }[]> {
  const { rows } = await db.raw<{ rows: { platform: string; status: string; count: string }[] }>(
    `select platform, status, count(*) as count from user_integrations group by 1, 2`,
  );
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}

/** How an import ended: `incomplete` where it has items that failed. Undefined where it runs, or is gone. */
export async function findImportEnd(db: Knex, id: string): Promise<{ kind: string; outcome: string } | undefined> {
  const { rows } = await db.raw<{ rows: { kind: string; outcome: string }[] }>(
    `select kind, case
         when status = 'finished' and exists (select 1 from import_items where import_id = imports.id and state = 'failed')
           then 'incomplete' else status end as outcome
       from imports where id = ? and finished_at is not null`,
    [id],
  );
  return rows[0];
}

/** Of imports: import or sync. */
export async function findImportKind(db: Knex, id: string): Promise<string | undefined> {
  const row = await db('imports').where({ id }).first<{ kind: string } | undefined>('kind');
  return row?.kind;
}
