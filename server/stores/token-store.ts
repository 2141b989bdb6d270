import type { Knex } from 'knex';
import type { ApiToken } from '../services/token-service.ts';
import type { UserRow } from './user-store.ts';

type TokenRow = { id: string; name: string; created_at: Date; expires_at: Date | null; last_used_at: Date | null };

const COLUMNS = ['id', 'name', 'created_at', 'expires_at', 'last_used_at'];

const toToken = (row: TokenRow): ApiToken => ({
  id: row.id,
  name: row.name,
  createdAt: row.created_at,
  expiresAt: row.expires_at ?? undefined,
  lastUsedAt: row.last_used_at ?? undefined,
});

export async function insertToken(
  db: Knex,
  token: { userId: string; name: string; tokenHash: string; expiresAt?: Date },
): Promise<ApiToken> {
  const [row] = (await db('api_tokens')
    .insert({
      user_id: token.userId,
      name: token.name,
      token_hash: token.tokenHash,
      expires_at: token.expiresAt ?? null,
    })
    .returning(COLUMNS)) as [TokenRow];
  return toToken(row);
}

export async function listTokens(db: Knex, userId: string): Promise<ApiToken[]> {
  const rows = (await db('api_tokens')
    .where({ user_id: userId })
    .select(COLUMNS)
    .orderBy('created_at', 'desc')) as TokenRow[];
  return rows.map(toToken);
}

export async function countTokens(db: Knex, userId: string): Promise<number> {
  const row = (await db('api_tokens').where({ user_id: userId }).count('* as count').first()) as { count: string };
  return Number(row.count);
}

export async function deleteToken(db: Knex, userId: string, id: string): Promise<boolean> {
  return (await db('api_tokens').where({ id, user_id: userId }).delete()) > 0;
}

/** The user whose valid token has this hash. Notes its use, at most once a minute so that reads stay reads. */
export async function useToken(db: Knex, tokenHash: string): Promise<UserRow | undefined> {
  const row = (await db('api_tokens')
    .join('users', 'users.id', 'api_tokens.user_id')
    .where({ token_hash: tokenHash })
    .whereNull('users.disabled_at')
    .where((valid) => void valid.whereNull('expires_at').orWhere('expires_at', '>', db.fn.now()))
    .first('users.*', 'api_tokens.id as token_id', 'last_used_at')) as
    (UserRow & { token_id: string; last_used_at: Date | null }) | undefined;
  if (row && (!row.last_used_at || Date.now() - row.last_used_at.getTime() > 60_000))
    await db('api_tokens').where({ id: row.token_id }).update({ last_used_at: db.fn.now() });
  return row;
}
