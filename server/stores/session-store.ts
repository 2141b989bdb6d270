import session, { type Store } from 'express-session';
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';

type SessionRow = { sess: object };
type StoredSession = { cookie?: { expires?: Date | string | null }; passport?: { user?: string } };
// express-session leaves get, set and destroy to the store; its base class brings the event and session making.
const BareStore = session.Store as unknown as new () => Store;
const PRUNE_MS = 15 * 60 * 1000;
const FALLBACK_MS = 24 * 3600 * 1000;

/**
 * express-session's store on the sessions table. A database error goes to the request that met it; expired rows are pruned
 * every quarter of an hour.
 */
export function createDatabaseSessionStore(
  database: Database,
  logger: Logger,
): { store: Store; close: () => Promise<void> } {
  const { knex } = database;
  const answer = <T>(work: Promise<T>, callback?: (error: unknown, value?: T) => void) =>
    void work.then(
      (value) => callback?.(null, value),
      (error: unknown) => callback?.(error),
    );
  const expiry = (sess: StoredSession) =>
    sess.cookie?.expires ? new Date(sess.cookie.expires) : new Date(Date.now() + FALLBACK_MS);

  const store = Object.assign(new BareStore(), {
    get(sid: string, callback: (error: unknown, sess?: object | null) => void) {
      const row = knex('sessions').where({ sid }).where('expires_at', '>', knex.fn.now()).first('sess') as Promise<
        SessionRow | undefined
      >;
      answer(
        row.then((found) => found?.sess ?? null),
        callback,
      );
    },
    set(sid: string, sess: StoredSession, callback?: (error?: unknown) => void) {
      const row = {
        sid,
        sess: JSON.stringify(sess),
        user_id: sess.passport?.user ?? null,
        expires_at: expiry(sess),
      };
      answer(knex('sessions').insert(row).onConflict('sid').merge(), callback);
    },
    touch(sid: string, sess: StoredSession, callback?: (error?: unknown) => void) {
      answer(
        knex('sessions')
          .where({ sid })
          .update({ expires_at: expiry(sess) }),
        callback,
      );
    },
    destroy(sid: string, callback?: (error?: unknown) => void) {
      answer(knex('sessions').where({ sid }).delete(), callback);
    },
  }) as unknown as Store;

  const prune = () =>
    knex('sessions')
      .where('expires_at', '<=', knex.fn.now())
      .delete()
      .catch((error: unknown) => logger.warn({ err: error }, 'expired sessions could not be pruned'));
  const timer = setInterval(() => void prune(), PRUNE_MS);
  timer.unref();
  return { store, close: async () => clearInterval(timer) };
}
