import { AppError } from '../errors.ts';
import { createLogger } from '../logger.ts';
import { createTokenService } from '../services/token-service.ts';
import { createUserService } from '../services/user-service.ts';
import { withDatabase } from './database.ts';
import { CommandError, required, UsageError, type Flags, type Io, type Result } from './io.ts';
import { newPassword } from './password.ts';

/** Services' own log lines go to standard error, and only what a person must act on. */
const quietLogger = (io: Io) => createLogger({ logLevel: 'error' }, io.stderr);

/** `user create`: a user who can sign in at once. Errors: UsageError, CommandError, AppError for what the rules refuse. */
export async function createUser(io: Io, flags: Flags): Promise<Result> {
  const email = required(flags, 'email');
  const name = required(flags, 'name');
  const { role = 'member' } = flags;
  if (role !== 'admin' && role !== 'member') throw new UsageError('--role must be admin or member.');
  return withDatabase(io, async (database) => {
    const { password, generated } = await newPassword(io, flags['password-stdin'] === true);
    const users = createUserService({ database, logger: quietLogger(io) });
    const user = await users.create({ email, name, role, password: password.reveal() });
    return {
      lines: [`Created ${user.role} ${user.email}.`, ...(generated ? [`Password: ${password.reveal()}`] : [])],
      note: generated ? 'The password is not shown again. Give it to them by a safe way.' : undefined,
      json: { id: user.id, email: user.email, role: user.role, password: generated ? password.reveal() : undefined },
    };
  });
}

/** `token create`: an API token of a user, shown this once. Errors: UsageError, CommandError. */
export async function createToken(io: Io, flags: Flags): Promise<Result> {
  const email = required(flags, 'email');
  const name = required(flags, 'name');
  const expiresAt = expiry(flags.days);
  return withDatabase(io, async (database) => {
    const users = await createUserService({ database, logger: quietLogger(io) }).list();
    const user = users.find((found) => found.email.toLowerCase() === email.toLowerCase());
    if (!user)
      throw new CommandError(
        `There is no user ${email}. Create one: npm run hub -- user create --email ${email} --name "Their name"`,
      );
    if (user.disabledAt) throw new CommandError(`The user ${email} is disabled, so a token would not work.`);
    const created = await createTokenService({ database }).create(user, { name, expiresAt }, 'operator');
    return {
      lines: [created.token],
      note: `The API token "${created.name}" of ${user.email} is valid ${
        created.expiresAt ? `until ${created.expiresAt.toISOString()}` : 'until it is deleted'
      }. It is not shown again.`,
      json: {
        id: created.id,
        name: created.name,
        token: created.token,
        expiresAt: created.expiresAt?.toISOString() ?? null,
      },
    };
  });
}

function expiry(days: Flags[string]): Date | undefined {
  if (days === undefined) return undefined;
  if (typeof days !== 'string' || !/^\d{1,4}$/.test(days) || Number(days) < 1 || Number(days) > 3650)
    throw new UsageError('--days must be a whole number from 1 to 3650.');
  return new Date(Date.now() + Number(days) * 24 * 3600 * 1000);
}

/** The sentence of an error that was thrown on purpose. */
export const sentenceOf = (error: unknown): string | undefined =>
  error instanceof AppError || error instanceof CommandError ? error.message : undefined;
