import { randomInt, timingSafeEqual } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { ConflictError, ForbiddenError, InvalidInputError } from '../errors.ts';
import {
  findUser,
  findUserByEmail,
  hasUsers,
  insertUser,
  listUsers,
  lockUsers,
  toUser,
  type UserRow,
} from '../stores/user-store.ts';

export type Role = 'admin' | 'member';

export type User = { id: string; email: string; name: string; role: Role };

export type UserService = {
  /** Gives the user, or undefined for an unknown address, a wrong password or a disabled user: all take the same time. */
  authenticate(email: string, password: string): Promise<User | undefined>;
  find(id: string): Promise<User | undefined>;
  list(): Promise<(User & { createdAt: Date; disabledAt?: Date })[]>;
  /** Errors: InvalidInputError (address, password of 12 to 200 characters, name), ConflictError `email_taken`. */
  create(input: { email: string; name: string; password: string; role: Role }): Promise<User>;
  /** True while no user exists: the set-up page is open. */
  needsSetup(): Promise<boolean>;
  /** Creates the first admin once, guarded by the code printed in the log. Errors: ForbiddenError `setup_code`, ConflictError `setup_done`. */
  setUp(input: { code: string; email: string; name: string; password: string }): Promise<User>;
};

/** What a new account must be; the messages are what the person reads. */
export const newUserSchema = z.object({
  email: z
    .string()
    .trim()
    .max(254, 'Enter an e-mail address of 254 characters or fewer.')
    .pipe(z.email('Enter an e-mail address such as name@example.com.')),
  name: z.string().trim().min(1, 'Enter a name.').max(100, 'Enter a name of 100 characters or fewer.'),
  password: z
    .string()
    .min(12, 'Enter a password of 12 characters or more.')
    .max(200, 'Enter a password of 200 characters or fewer.'),
});

/** OWASP's parameters for Argon2id (password storage cheat sheet, 2025): 19 MiB, 2 passes, 1 lane. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

const SETUP_DIGITS = 9;

export function createUserService(deps: { database: Database; logger: Logger }): UserService {
  const { database, logger } = deps;
  let setupCode: string | undefined;
  let nobodysHash: Promise<string> | undefined;

  async function create(input: { email: string; name: string; password: string; role: Role }): Promise<User> {
    const parsed = newUserSchema.safeParse(input);
    if (!parsed.success)
      throw new InvalidInputError(
        parsed.error.issues.map((issue) => ({ field: issue.path.map(String).join('.'), message: issue.message })),
      );
    const { email, name, password } = parsed.data;
    const passwordHash = await hash(password, ARGON2);
    const row = await insertUser(database.current(), { email, name, passwordHash, role: input.role });
    if (!row) throw new ConflictError('email_taken', `A user with the address ${email} exists already.`);
    return toUser(row);
  }

  return {
    async authenticate(email, password) {
      const row = await findUserByEmail(database.current(), email.trim());
      // An unknown address costs as much as a wrong password, so that answers' times tell nothing.
      nobodysHash ??= hash('nobody has this password', ARGON2);
      const right = await verify(row?.password_hash ?? (await nobodysHash), password.slice(0, 200));
      return row && right && !row.disabled_at ? toUser(row) : undefined;
    },

    async find(id) {
      const row = await findUser(database.current(), id);
      return row && !row.disabled_at ? toUser(row) : undefined;
    },

    async list() {
      const rows = await listUsers(database.current());
      return rows.map((row: UserRow) => ({
        ...toUser(row),
        createdAt: row.created_at,
        disabledAt: row.disabled_at ?? undefined,
      }));
    },

    create,

    async needsSetup() {
      if (await hasUsers(database.current())) return false;
      if (!setupCode) {
        setupCode = String(randomInt(10 ** (SETUP_DIGITS - 1), 10 ** SETUP_DIGITS));
        logger.warn(
          { setupCode },
          'no user exists yet: open the hub and enter this one-time code to create the first admin',
        );
      }
      return true;
    },

    async setUp({ code, ...input }) {
      const expected = setupCode ?? '';
      const given = code.replaceAll(/\s/g, '');
      const right =
        expected !== '' &&
        given.length === expected.length &&
        timingSafeEqual(Buffer.from(given.padEnd(16)), Buffer.from(expected.padEnd(16)));
      if (!right)
        throw new ForbiddenError(
          'This is not the set-up code. It stands in the log of the hub, in the line “no user exists yet”.',
          'setup_code',
        );
      return database.transaction(async (trx) => {
        await lockUsers(trx);
        if (await hasUsers(trx))
          throw new ConflictError('setup_done', 'The hub is set up already. Sign in with an existing account.');
        const user = await create({ ...input, role: 'admin' });
        setupCode = undefined;
        return user;
      });
    },
  };
}

/** Creates the admin that the configuration names, if no user exists. Safe when several processes start at once. */
export async function ensureFirstAdmin(
  users: UserService,
  database: Database,
  config: Config,
): Promise<User | undefined> {
  const admin = config.firstAdmin;
  if (!admin) return undefined;
  return database.transaction(async (trx) => {
    await lockUsers(trx);
    if (await hasUsers(trx)) return undefined;
    const name = admin.email.split('@')[0] ?? admin.email;
    return users.create({ email: admin.email, name, password: admin.password.reveal(), role: 'admin' });
  });
}
