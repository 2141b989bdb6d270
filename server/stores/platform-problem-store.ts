import type { Knex } from 'knex';
import type { Platform } from '../../providers/provider.ts';

/** A mistake of the operator's that breaks a whole service: one row and one banner, however many accounts are connected. */
export async function notePlatformProblem(db: Knex, platform: Platform, detail: string): Promise<void> {
  await db('platform_problems').insert({ platform, detail }).onConflict('platform').merge({ detail });
}

export async function clearPlatformProblem(db: Knex, platform: Platform): Promise<void> {
  await db('platform_problems').where({ platform }).delete();
}

export async function listPlatformProblems(db: Knex): Promise<Map<Platform, { detail: string; since: Date }>> {
  const rows = (await db('platform_problems').select('platform', 'detail', 'since')) as {
    platform: Platform;
    detail: string;
    since: Date;
  }[];
  return new Map(rows.map(({ platform, detail, since }) => [platform, { detail, since }]));
}
