import type { Knex } from 'knex';
import type { Role, User } from '../services/user-service.ts';

export type UserRow = {
  id: string;
  email: string;
  name: string;
  role: Role;
  password_hash: string;
  disabled_at: Date | null;
  created_at: Date;
};

const COLUMNS = ['id', 'email', 'name', 'role', 'password_hash', 'disabled_at', 'created_at'];

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

export async function listUsers(db: Knex): Promise<UserRow[]> {
  return (await db('users').select(COLUMNS).orderBy('created_at').orderBy('id')) as UserRow[];
}

export async function hasUsers(db: Knex): Promise<boolean> {
  return (await db('users').first('id')) !== undefined;
}

/** Gives undefined when the address is taken. */
export async function insertUser(
  db: Knex,
  user: { email: string; name: string; passwordHash: string; role: Role },
): Promise<UserRow | undefined> {
  const [row] = (await db('users')
    .insert({ email: user.email, name: user.name, password_hash: user.passwordHash, role: user.role })
    .onConflict(db.raw('(lower(email))'))
    .ignore()
    .returning(COLUMNS)) as UserRow[];
  return row;
}

/** Holds other first-time set-ups back until this transaction ends, so that only one of them creates the first admin. */
export async function lockUsers(trx: Knex.Transaction): Promise<void> {
  await trx.raw('lock table users in share row exclusive mode');
}
