import type { Knex } from 'knex';
import type { IdentityProviderId } from '../../providers/identity-provider.ts';
import type { Role, User } from '../services/user-service.ts';

export type UserRow = {
  id: string;
  email: string;
  name: string;
  role: Role;
  /** Null: signs in by an identity only. */
  password_hash: string | null;
  disabled_at: Date | null;
  created_at: Date;
  last_sign_in_at: Date | null;
};

const COLUMNS = ['id', 'email', 'name', 'role', 'password_hash', 'disabled_at', 'created_at', 'last_sign_in_at'];

export const toUser = (row: Pick<UserRow, 'id' | 'email' | 'name' | 'role'>): User => ({
  id: row.id,
  email: row.email,
  name: row.name,
  role: row.role,
});

export async function findUser(db: Knex, id: string): Promise<UserRow | undefined> {
  return (await db('users').where({ id }).first(COLUMNS)) as UserRow | undefined;
}

/** Looks an address up without regard to case. */
export async function findUserByEmail(db: Knex, email: string): Promise<UserRow | undefined> {
  return (await db('users').whereRaw('lower(email) = lower(?)', [email]).first(COLUMNS)) as UserRow | undefined;
}

/** With how many accounts each has connected, and the services whose accounts each signs in with. */
export async function listUsers(
  db: Knex,
): Promise<(UserRow & { integrations: string; identity_providers: IdentityProviderId[] })[]> {
  const integrations = db('user_integrations').whereRaw('user_id = users.id').count('*').as('integrations');
  const identities = db.raw(
    `array(select distinct provider from identities where user_id = users.id and unlinked_at is null order by provider)
     as identity_providers`,
  );
  return (await db('users')
    .select(COLUMNS)
    .select(integrations, identities)
    .orderBy('created_at')
    .orderBy('id')) as Awaited<ReturnType<typeof listUsers>>;
}

export async function updateUser(
  db: Knex,
  id: string,
  change: { name?: string; role?: Role; passwordHash?: string; disabled?: boolean },
): Promise<void> {
  const { name, role, passwordHash, disabled } = change;
  await db('users')
    .where({ id })
    .update({
      ...(name === undefined ? {} : { name }),
      ...(role === undefined ? {} : { role }),
      ...(passwordHash === undefined ? {} : { password_hash: passwordHash }),
      ...(disabled === undefined ? {} : { disabled_at: disabled ? db.fn.now() : null }),
    });
}

/** Whether somebody else is an admin who can sign in. Asked while users are locked. */
export async function hasOtherAdmin(trx: Knex.Transaction, id: string): Promise<boolean> {
  const other: unknown = await trx('users')
    .where({ role: 'admin' })
    .whereNull('disabled_at')
    .whereNot({ id })
    .first('id');
  return other !== undefined;
}

export async function hasUsers(db: Knex): Promise<boolean> {
  return (await db('users').first('id')) !== undefined;
}

/** Gives undefined when the address is taken. */
export async function insertUser(
  db: Knex,
  user: { email: string; name: string; passwordHash?: string; role: Role },
): Promise<UserRow | undefined> {
  const [row] = (await db('users')
    .insert({ email: user.email, name: user.name, password_hash: user.passwordHash ?? null, role: user.role })
    .onConflict(db.raw('(lower(email))'))
    .ignore()
    .returning(COLUMNS)) as UserRow[];
  return row;
}

/** Holds back whoever else wants to change users until this transaction ends: the first admin is made once, and the last one stays. */
export async function lockUsers(trx: Knex.Transaction): Promise<void> {
  await trx.raw('lock table users in share row exclusive mode');
}
