import { createHash, randomBytes } from 'node:crypto';
import type { Database } from '../database/database.ts';
import { ConflictError, InvalidInputError, NotFoundError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { recordAudit } from '../stores/audit-store.ts';
import { countTokens, deleteToken, insertToken, listTokens, useToken } from '../stores/token-store.ts';
import { toUser } from '../stores/user-store.ts';
import type { User } from './user-service.ts';

export type ApiToken = {
  id: string;
  name: string;
  createdAt: Date;
  expiresAt?: Date;
  lastUsedAt?: Date;
};

export type TokenService = {
  /** `token` is given this once; only its SHA-256 is kept. Made by the user, or for one by the operator. Errors: InvalidInputError. */
  create(user: User, input: { name: string; expiresAt?: Date }, by?: 'operator'): Promise<ApiToken & { token: string }>;
  list(user: User): Promise<ApiToken[]>;
  /** Errors: NotFoundError. */
  delete(user: User, id: string): Promise<void>;
  /** The user behind a bearer token; undefined when unknown, expired, or the user is disabled. */
  authenticate(token: string): Promise<User | undefined>;
};

const PREFIX = 'trb_';
const MAX_TOKENS = 100;

/** Tokens have 256 random bits, so a plain SHA-256 keeps them as safe as a slow hash would. */
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

export function createTokenService(deps: { database: Database }): TokenService {
  const { database } = deps;
  return {
    async create(user, input, by) {
      const name = input.name.trim();
      const errors = [
        ...(name === '' ? [{ field: 'name', message: 'Enter a name, such as what will use the token.' }] : []),
        ...(name.length > 100 ? [{ field: 'name', message: 'Enter a name of 100 characters or fewer.' }] : []),
        ...(input.expiresAt && input.expiresAt.getTime() <= Date.now()
          ? [{ field: 'expiresAt', message: 'Choose an expiry date in the future.' }]
          : []),
      ];
      if (errors.length > 0) throw new InvalidInputError(errors);
      if ((await countTokens(database.current(), user.id)) >= MAX_TOKENS)
        throw new ConflictError(
          'too_many_tokens',
          `You have ${MAX_TOKENS} API tokens. Delete one that is no longer used.`,
        );
      const token = PREFIX + randomBytes(32).toString('base64url');
      const row = await database.transaction(async (trx) => {
        const inserted = await insertToken(trx, {
          userId: user.id,
          name,
          tokenHash: hashOf(token),
          expiresAt: input.expiresAt,
        });
        await recordAudit(trx, {
          action: 'token_created',
          actor: by === 'operator' ? undefined : user,
          subject: { kind: 'token', id: inserted.id, name: user.email },
        });
        return inserted;
      });
      return { ...row, token };
    },

    list: (user) => listTokens(database.current(), user.id),

    delete: (user, id) =>
      database.transaction(async (trx) => {
        if (!isUuid(id) || !(await deleteToken(trx, user.id, id))) throw new NotFoundError('The API token');
        await recordAudit(trx, {
          action: 'token_deleted',
          actor: user,
          subject: { kind: 'token', id, name: user.email },
        });
      }),

    async authenticate(token) {
      if (!token.startsWith(PREFIX) || token.length > 100) return undefined;
      const row = await useToken(database.current(), hashOf(token));
      return row && toUser(row);
    },
  };
}
