import type { Knex } from 'knex';
import type { IdentityProviderId } from '../../providers/identity-provider.ts';

export type IdentityRow = {
  id: string;
  user_id: string;
  provider: IdentityProviderId;
  subject: string;
  email: string | null;
  created_at: Date;
  last_used_at: Date;
  unlinked_at: Date | null;
};

const COLUMNS = ['id', 'user_id', 'provider', 'subject', 'email', 'created_at', 'last_used_at', 'unlinked_at'];

/** By the vendor's id of the account; those that were unlinked too. */
export async function findIdentity(
  db: Knex,
  { provider, subject }: { provider: IdentityProviderId; subject: string },
): Promise<IdentityRow | undefined> {
  return (await db('identities').where({ provider, subject }).first(COLUMNS)) as IdentityRow | undefined;
}

/** What a user signs in with; the oldest first. */
export async function listIdentities(db: Knex, userId: string): Promise<IdentityRow[]> {
  return (await db('identities')
    .where({ user_id: userId })
    .whereNull('unlinked_at')
    .orderBy('created_at')
    .orderBy('id')
    .select(COLUMNS)) as IdentityRow[];
}

/** Whether a user has, or ever had, one of the provider. */
export async function hadIdentity(db: Knex, userId: string, provider: IdentityProviderId): Promise<boolean> {
  return (await db('identities').where({ user_id: userId, provider }).first('id')) !== undefined;
}

/** Gives it to the user, whosever it was before. Gives its id. */
export async function saveIdentity(
  db: Knex,
  identity: { userId: string; provider: IdentityProviderId; subject: string; email?: string },
): Promise<string> {
  const { userId, provider, subject, email = null } = identity;
  const [row] = (await db('identities')
    .insert({ user_id: userId, provider, subject, email })
    .onConflict(['provider', 'subject'])
    .merge({ user_id: userId, email, created_at: db.fn.now(), last_used_at: db.fn.now(), unlinked_at: null })
    .returning('id')) as [{ id: string }];
  return row.id;
}

/** Notes that somebody signs in with it, and the address it has today. */
export async function useIdentity(db: Knex, id: string, email: string | undefined): Promise<void> {
  await db('identities')
    .where({ id })
    .update({ email: email ?? null, last_used_at: db.fn.now() });
}

export async function unlinkIdentity(db: Knex, id: string): Promise<void> {
  await db('identities').where({ id }).update({ unlinked_at: db.fn.now() });
}

/** How many users who are not disabled have neither a password nor an account at one of these services to sign in with. */
export async function countWithoutWayIn(db: Knex, providers: IdentityProviderId[]): Promise<number> {
  const row = await db('users')
    .whereNull('password_hash')
    .whereNull('disabled_at')
    .whereNotExists(
      db('identities')
        .whereRaw('identities.user_id = users.id')
        .whereIn('provider', providers)
        .whereNull('unlinked_at'),
    )
    .count<{ count: string }>({ count: '*' })
    .first();
  return Number(row?.count);
}
