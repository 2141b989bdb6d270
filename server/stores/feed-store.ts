import type { Knex } from 'knex';

/** How far a vendor's change feed was read. */
export type FeedPosition = { feed: string; cursor: string; readAt: Date };

export async function listFeeds(db: Knex, integrationId: string): Promise<FeedPosition[]> {
  const rows = (await db('change_feeds')
    .where({ integration_id: integrationId })
    .select('feed', 'cursor', 'read_at')
    .orderBy('feed')) as { feed: string; cursor: string; read_at: Date }[];
  return rows.map((row) => ({ feed: row.feed, cursor: row.cursor, readAt: row.read_at }));
}

export async function hasFeed(db: Knex, integrationId: string, feed: string): Promise<boolean> {
  return (await db('change_feeds').where({ integration_id: integrationId, feed }).first('feed')) !== undefined;
}

/** Begins to follow a feed from its cursor of now. Where it is followed already, the older cursor stays: it misses nothing. */
export async function insertFeed(db: Knex, integrationId: string, feed: string, cursor: string): Promise<void> {
  await db('change_feeds')
    .insert({ integration_id: integrationId, feed, cursor })
    .onConflict(['integration_id', 'feed'])
    .ignore();
}

export async function advanceFeed(db: Knex, integrationId: string, feed: string, cursor: string): Promise<void> {
  await db('change_feeds').where({ integration_id: integrationId, feed }).update({ cursor, read_at: db.fn.now() });
}
