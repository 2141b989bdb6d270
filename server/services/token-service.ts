import type { User } from './user-service.ts';

export type ApiToken = {
  id: string;
  name: string;
  createdAt: Date;
  expiresAt?: Date;
  lastUsedAt?: Date;
};

export type TokenService = {
  /** `token` is given this once; only its SHA-256 is kept. Errors: InvalidInputError. */
  create(user: User, input: { name: string; expiresAt?: Date }): Promise<ApiToken & { token: string }>;
  list(user: User): Promise<ApiToken[]>;
  /** Errors: NotFoundError. */
  delete(user: User, id: string): Promise<void>;
  /** The user behind a bearer token; undefined when unknown, expired, or the user is disabled. */
  authenticate(token: string): Promise<User | undefined>;
};
