import type { IdentityProviderId } from '../../providers/identity-provider.ts';
import { currentOrigin } from '../audit/origin.ts';
import type { Database } from '../database/database.ts';
import { NotFoundError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { SESSION_MS, SIGN_IN_MS } from '../session.ts';
import { recordAudit } from '../stores/audit-store.ts';
import { deleteOldSignIns, deleteSignIns, insertSignIn, listSignIns, useSignIn } from '../stores/sign-in-store.ts';
import { findUserByEmail, toUser } from '../stores/user-store.ts';
import type { User } from './user-service.ts';

/** One browser in which a user is signed in. */
export type SignIn = { id: string; startedAt: Date; seenAt: Date; address?: string; userAgent?: string };

/**
 * Where users are signed in. A session holds the id of a sign-in and is worth nothing without its row: what is ended here has ended in every
 * process at the next request, whether sessions are kept in the database or in Redis.
 */
export type SignInService = {
  /** Gives the id that the session is to hold. `by`: the service whose account was used, in place of a password. */
  start(user: User, by?: IdentityProviderId): Promise<string>;
  /** Notes that somebody failed to sign in with this address. */
  refuse(email: string): Promise<void>;
  /** Who is signed in by it; undefined once it was ended, is over, or the user is disabled. */
  find(id: string | undefined, userId: string): Promise<User | undefined>;
  list(user: User): Promise<SignIn[]>;
  /** The user's own way out. */
  leave(user: User, id: string): Promise<void>;
  /** Ends one of the user's. Errors: NotFoundError. */
  end(user: User, id: string): Promise<void>;
  /** Ends all of the user's but this one. Gives how many. */
  endOthers(user: User, id: string): Promise<number>;
  /** Takes away what is over. */
  prune(): Promise<void>;
};

/** Both times end it; then its user signs in anew. */
const LIFE = { idleMs: SESSION_MS, wholeMs: SIGN_IN_MS };

export function createSignInService(deps: { database: Database }): SignInService {
  const { database } = deps;
  return {
    start: (user, by) =>
      database.transaction(async (trx) => {
        const origin = currentOrigin();
        const from = origin?.kind === 'request' ? origin : undefined;
        await recordAudit(trx, { action: 'sign_in', actor: user, details: by ? { by } : {} });
        return insertSignIn(trx, { userId: user.id, address: from?.address, userAgent: from?.userAgent });
      }),

    async refuse(email) {
      const known = await findUserByEmail(database.current(), email.trim());
      // What nobody is called may be a password in the wrong field.
      await recordAudit(database.current(), {
        action: 'sign_in_failed',
        subject: known && { kind: 'user', id: known.id, name: known.email },
        details: known?.disabled_at ? { because: 'disabled' } : {},
      });
    },

    async find(id, userId) {
      const row = id === undefined ? undefined : await useSignIn(database.current(), id, userId, LIFE);
      return row && toUser(row);
    },

    list: (user) => listSignIns(database.current(), user.id, LIFE),

    leave: (user, id) =>
      database.transaction(async (trx) => {
        if ((await deleteSignIns(trx, user.id, { id })) > 0)
          await recordAudit(trx, { action: 'sign_out', actor: user });
      }),

    end: (user, id) =>
      database.transaction(async (trx) => {
        if (!isUuid(id) || (await deleteSignIns(trx, user.id, { id })) === 0) throw new NotFoundError('The session');
        await recordAudit(trx, sessionsEnded(user, user, 1));
      }),

    endOthers: (user, id) =>
      database.transaction(async (trx) => {
        const count = await deleteSignIns(trx, user.id, { exceptId: id });
        if (count > 0) await recordAudit(trx, sessionsEnded(user, user, count));
        return count;
      }),

    prune: async () => void (await deleteOldSignIns(database.knex, LIFE)),
  };
}

export const sessionsEnded = (actor: User, of: { id: string; email: string }, count: number) => ({
  action: 'sessions_ended' as const,
  actor,
  subject: { kind: 'user' as const, id: of.id, name: of.email },
  details: { count },
});
