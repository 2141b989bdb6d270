import type { Knex } from 'knex';
import type { SignIn } from '../services/sign-in-service.ts';
import type { UserRow } from './user-store.ts';

type SignInRow = { id: string; started_at: Date; seen_at: Date; address: string | null; user_agent: string | null };

const COLUMNS = ['id', 'started_at', 'seen_at', 'address', 'user_agent'];
const SEEN_EVERY_MS = 60_000;

/** How long a sign-in counts after it was used, and after it began, in milliseconds. */
export type SignInLife = { idleMs: number; wholeMs: number };

const ALIVE = `seen_at > now() - ? * interval '1 millisecond' and started_at > now() - ? * interval '1 millisecond'`;

/** Gives its id. */
export async function insertSignIn(
  db: Knex,
  signIn: { userId: string; address?: string; userAgent?: string },
): Promise<string> {
  const { userId, address, userAgent } = signIn;
  await db('users').where({ id: userId }).update({ last_sign_in_at: db.fn.now() });
  const [row] = (await db('sign_ins')
    .insert({ user_id: userId, address: address ?? null, user_agent: userAgent ?? null })
    .returning('id')) as [{ id: string }];
  return row.id;
}

/** Who is signed in by it; undefined once it was ended, is over or the user disabled. Notes that it is used, at most once a minute. */
export async function useSignIn(
  db: Knex,
  id: string,
  userId: string,
  { idleMs, wholeMs }: SignInLife,
): Promise<UserRow | undefined> {
  const row = (await db('sign_ins')
    .join('users', 'users.id', 'sign_ins.user_id')
    .where({ 'sign_ins.id': id, 'sign_ins.user_id': userId })
    .whereNull('users.disabled_at')
    .whereRaw(ALIVE, [idleMs, wholeMs])
    .first('users.*', 'seen_at')) as (UserRow & { seen_at: Date }) | undefined;
  if (row && Date.now() - row.seen_at.getTime() > SEEN_EVERY_MS)
    await db('sign_ins').where({ id }).update({ seen_at: db.fn.now() });
  return row;
}

/** Those that somebody may still come back to, the last seen first. */
export async function listSignIns(db: Knex, userId: string, { idleMs, wholeMs }: SignInLife): Promise<SignIn[]> {
  const rows = (await db('sign_ins')
    .where({ user_id: userId })
    .whereRaw(ALIVE, [idleMs, wholeMs])
    .select(COLUMNS)
    .orderBy('seen_at', 'desc')
    .orderBy('id')) as SignInRow[];
  return rows.map((row) => ({
    id: row.id,
    startedAt: row.started_at,
    seenAt: row.seen_at,
    address: row.address ?? undefined,
    userAgent: row.user_agent ?? undefined,
  }));
}

/** Ends one, or all, or all but one. Gives how many. */
export async function deleteSignIns(
  db: Knex,
  userId: string,
  which: { id?: string; exceptId?: string } = {},
): Promise<number> {
  const query = db('sign_ins').where({ user_id: userId });
  if (which.id !== undefined) query.where({ id: which.id });
  if (which.exceptId !== undefined) query.whereNot({ id: which.exceptId });
  return query.delete();
}

/** Takes away what is over. */
export async function deleteOldSignIns(db: Knex, { idleMs, wholeMs }: SignInLife): Promise<number> {
  return db('sign_ins').whereRaw(`not (${ALIVE})`, [idleMs, wholeMs]).delete();
}
