import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { IdentityProviderId } from '../../providers/identity-provider.ts';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { ConflictError, ForbiddenError, InvalidInputError, NotFoundError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { recordAudit } from '../stores/audit-store.ts';
import { deleteSignIns } from '../stores/sign-in-store.ts';
import {
  findPerson,
  findUser,
  findUserByEmail,
  hasOtherAdmin,
  hasUsers,
  insertUser,
  listPeople,
  lockUsers,
  searchPeople,
  toUser,
  updateUser,
  type UserRow,
} from '../stores/user-store.ts';
import { sessionsEnded } from './sign-in-service.ts';

export type Role = 'admin' | 'member';

export type User = { id: string; email: string; name: string; role: Role };

/** A user as admins see one. */
export type Person = User & {
  createdAt: Date;
  disabledAt?: Date;
  lastSignInAt?: Date;
  integrations: number;
  /** How the user signs in. */
  hasPassword: boolean;
  identityProviders: IdentityProviderId[];
};

export type UserService = {
  /** Gives the user, or undefined for an unknown address, a wrong password, no password or a disabled user: all take the same time. */
  authenticate(email: string, password: string): Promise<User | undefined>;
  list(): Promise<Person[]>;
  /** A page of those whose name or address has each of the words. */
  search(options: { q?: string; cursor?: string }): Promise<{ people: Person[]; nextCursor?: string }>;
  /** Errors: NotFoundError. */
  get(id: string): Promise<Person>;
  /**
   * `by` is the admin who makes it; without a password the user signs in by an identity only.
   * Errors: InvalidInputError (address, password of 12 to 200 characters, name), ConflictError `email_taken`.
   */
  create(input: { email: string; name: string; password?: string; role: Role }, by?: User): Promise<User>;
  /** Errors: NotFoundError; ConflictError `last_admin`. */
  setRole(admin: User, id: string, role: Role): Promise<void>;
  /** Ends the user's sessions and stops what runs by their schedules; their API tokens are refused. Errors: NotFoundError; ConflictError `last_admin`. */
  disable(admin: User, id: string): Promise<void>;
  /** API tokens and schedules go on; the user signs in anew. Errors: NotFoundError. */
  enable(admin: User, id: string): Promise<void>;
  /** Ends the user's sessions. Gives how many. Errors: NotFoundError. */
  signOutEverywhere(admin: User, id: string): Promise<number>;
  /** Errors: InvalidInputError. */
  rename(user: User, name: string): Promise<void>;
  /**
   * Ends all sessions of the user but the one that is kept. `present` counts for nothing where the user has no password yet.
   * Errors: InvalidInputError (`present`, `password`).
   */
  changePassword(user: User, input: { present?: string; password: string; keepSignInId: string }): Promise<void>;
  hasPassword(user: User): Promise<boolean>;
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

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

export function createUserService(deps: { database: Database; logger: Logger }): UserService {
  const { database, logger } = deps;
  let setupCode: string | undefined;
  let nobodysHash: Promise<string> | undefined;

  async function create(
    input: { email: string; name: string; password?: string; role: Role },
    by?: User,
  ): Promise<User> {
    const { email, name, password } = checked(
      newUserSchema.extend({ password: newUserSchema.shape.password.optional() }),
      input,
    );
    const passwordHash = password === undefined ? undefined : await hash(password, ARGON2);
    return database.transaction(async (trx) => {
      const row = await insertUser(trx, { email, name, passwordHash, role: input.role });
      if (!row) throw new ConflictError('email_taken', `A user with the address ${email} exists already.`);
      await recordAudit(trx, {
        action: 'user_created',
        actor: by,
        subject: subjectOf(row),
        details: { role: input.role },
      });
      return toUser(row);
    });
  }

  /** Changes a user while nobody else changes one. Errors: NotFoundError. */
  const change = (id: string, work: (trx: Knex.Transaction, row: UserRow) => Promise<void>): Promise<void> =>
    database.transaction(async (trx) => {
      await lockUsers(trx);
      const row = isUuid(id) ? await findUser(trx, id) : undefined;
      if (!row) throw new NotFoundError('The user');
      await work(trx, row);
    });

  async function keepAnAdmin(trx: Knex.Transaction, row: UserRow): Promise<void> {
    if (row.role !== 'admin' || row.disabled_at || (await hasOtherAdmin(trx, row.id))) return;
    throw new ConflictError(
      'last_admin',
      `${row.name} is the only admin who can sign in. Make somebody else an admin first.`,
    );
  }

  return {
    async authenticate(email, password) {
      const row = await findUserByEmail(database.current(), email.trim());
      // An unknown address costs as much as a wrong password, so that answers' times tell nothing.
      nobodysHash ??= hash('nobody has this password', ARGON2);
      const right = await verify(row?.password_hash ?? (await nobodysHash), password);
      return row?.password_hash && right && !row.disabled_at ? toUser(row) : undefined;
    },

    list: () => listPeople(database.current()),

    search: (options) => searchPeople(database.current(), options),

    async get(id) {
      const person = isUuid(id) ? await findPerson(database.current(), id) : undefined;
      if (!person) throw new NotFoundError('The user');
      return person;
    },

    create,

    setRole: (admin, id, role) =>
      change(id, async (trx, row) => {
        if (row.role === role) return;
        await keepAnAdmin(trx, row);
        await updateUser(trx, id, { role });
        const details = { from: row.role, to: role };
        await recordAudit(trx, { action: 'role_changed', actor: admin, subject: subjectOf(row), details });
      }),

    disable: (admin, id) =>
      change(id, async (trx, row) => {
        if (row.disabled_at) return;
        await keepAnAdmin(trx, row);
        await updateUser(trx, id, { disabled: true });
        const sessions = await deleteSignIns(trx, id);
        await recordAudit(trx, {
          action: 'user_disabled',
          actor: admin,
          subject: subjectOf(row),
          details: { sessions },
        });
      }),

    enable: (admin, id) =>
      change(id, async (trx, row) => {
        if (!row.disabled_at) return;
        await updateUser(trx, id, { disabled: false });
        await recordAudit(trx, { action: 'user_enabled', actor: admin, subject: subjectOf(row) });
      }),

    async signOutEverywhere(admin, id) {
      let count = 0;
      await change(id, async (trx, row) => {
        count = await deleteSignIns(trx, id);
        if (count > 0) await recordAudit(trx, sessionsEnded(admin, toUser(row), count));
      });
      return count;
    },

    rename: (user, name) =>
      change(user.id, async (trx, row) => {
        const { name: wanted } = checked(newUserSchema.pick({ name: true }), { name });
        if (wanted === row.name) return;
        await updateUser(trx, user.id, { name: wanted });
        await recordAudit(trx, { action: 'user_renamed', actor: user, subject: subjectOf(row) });
      }),

    async changePassword(user, { present = '', password, keepSignInId }) {
      const wanted = checked(newUserSchema.pick({ password: true }), { password }).password;
      const row = await findUser(database.current(), user.id);
      if (!row || (row.password_hash !== null && !(await verify(row.password_hash, present)))) {
        await recordAudit(database.current(), { action: 'password_refused', actor: user });
        throw new InvalidInputError([{ field: 'present', message: 'This is not your present password.' }]);
      }
      const passwordHash = await hash(wanted, ARGON2);
      await database.transaction(async (trx) => {
        await updateUser(trx, user.id, { passwordHash });
        const sessions = await deleteSignIns(trx, user.id, { exceptId: keepSignInId });
        await recordAudit(trx, {
          action: 'password_changed',
          actor: user,
          subject: subjectOf(row),
          details: { sessions },
        });
      });
    },

    hasPassword: async ({ id }) => typeof (await findUser(database.current(), id))?.password_hash === 'string',

    async needsSetup() {
      if (await hasUsers(database.current())) return false;
      if (!setupCode) {
        setupCode = randomBytes(16).toString('hex');
        logger.warn(
          { setupCode },
          'no user exists yet: open the hub and enter this one-time code to create the first admin',
        );
      }
      return true;
    },

    async setUp({ code, ...input }) {
      const expected = setupCode ?? '';
      const given = code.replaceAll(/\s/g, '').toLowerCase();
      const right = expected !== '' && timingSafeEqual(sha256(given), sha256(expected));
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

const subjectOf = (row: UserRow) => ({ kind: 'user' as const, id: row.id, name: row.email });

/** Errors: InvalidInputError with the words of the schema. */
function checked<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new InvalidInputError(
    parsed.error.issues.map((issue) => ({ field: issue.path.map(String).join('.'), message: issue.message })),
  );
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
