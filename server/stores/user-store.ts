import type { Knex } from 'knex';
import type { IdentityProviderId } from '../../providers/identity-provider.ts';
import type { Person, Role, User } from '../services/user-service.ts';
import { readTimeCursor, writeCursor } from './cursor.ts';

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

const PAGE = 50;

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

/** Users with the number of accounts each has connected, and the services whose accounts each signs in with; the first one first. */
function people(db: Knex): Knex.QueryBuilder {
  const integrations = db('user_integrations').whereRaw('user_id = users.id').count('*').as('integrations');
  const identities = db.raw(
    `array(select distinct provider from identities where user_id = users.id and unlinked_at is null order by provider)
     as identity_providers`,
  );
  return db('users').select(COLUMNS).select(integrations, identities).orderBy('created_at').orderBy('id');
}

type PersonRow = UserRow & { integrations: string; identity_providers: IdentityProviderId[] };

const toPerson = (row: PersonRow): Person => ({
  ...toUser(row),
  createdAt: row.created_at,
  disabledAt: row.disabled_at ?? undefined,
  lastSignInAt: row.last_sign_in_at ?? undefined,
  integrations: Number(row.integrations),
  hasPassword: row.password_hash !== null,
  identityProviders: row.identity_providers,
});

export async function listPeople(db: Knex): Promise<Person[]> {
  return ((await people(db)) as PersonRow[]).map(toPerson);
}

export async function findPerson(db: Knex, id: string): Promise<Person | undefined> {
  const row = (await people(db).where({ id }).first()) as PersonRow | undefined;
  return row && toPerson(row);
}

/** One page of those whose name or address has each of the words. */
export async function searchPeople(
  db: Knex,
  { q, cursor }: { q?: string; cursor?: string },
): Promise<{ people: Person[]; nextCursor?: string }> {
  const page = people(db)
    .select(db.raw('created_at::text as cursor_at'))
    .limit(PAGE + 1);
  for (const word of (q ?? '').split(/\s+/).filter(Boolean).slice(0, 10)) {
    const like = `%${word.replaceAll(/[\\%_]/g, '\\$&')}%`;
    page.where((either) => void either.whereILike('name', like).orWhereILike('email', like));
  }
  const after = readTimeCursor(cursor);
  if (after) page.whereRaw('(created_at, id) > (?::timestamptz, ?::uuid)', [after.at, after.id]);
  const rows = (await page) as (PersonRow & { cursor_at: string })[];
  const last = rows.length > PAGE ? rows[PAGE - 1] : undefined;
  return {
    people: rows.slice(0, PAGE).map(toPerson),
    nextCursor: last && writeCursor(last.cursor_at, last.id),
  };
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
