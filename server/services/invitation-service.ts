import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { AppError, ConflictError, NotFoundError } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { DeliveryError } from '../notifications/delivery-error.ts';
import { createMailer } from '../notifications/mail.ts';
import { paths } from '../paths.ts';
import { recordAudit } from '../stores/audit-store.ts';
import {
  deleteInvitation,
  deleteOldInvitations,
  findInvitation,
  listInvitations,
  saveInvitation,
  takeInvitation,
  takeInvitationFor,
} from '../stores/invitation-store.ts';
import { findUserByEmail } from '../stores/user-store.ts';
import type { Role, User, UserService } from './user-service.ts';

export type Invitation = {
  id: string;
  email: string;
  role: Role;
  createdAt: Date;
  expiresAt: Date;
  /** Name of the admin; absent where it is not known any more. */
  invitedBy?: string;
};

/** How the mail with the link fared: `off` where none can be sent, `problem` is a sentence. */
export type MailOutcome =
  { state: 'off' } | { state: 'sent' } | { state: 'under_way' } | { state: 'failed'; problem: string };

export type InvitationService = {
  /**
   * Gives the link this once: only the SHA-256 of its token is kept. It opens the door once, for seven days; an earlier one for the address is
   * worth nothing any more. Errors: ConflictError `email_taken`.
   */
  invite(
    admin: User,
    input: { email: string; role: Role },
  ): Promise<{ invitation: Invitation; link: string; mail: MailOutcome }>;
  /** All that nobody took, newest first; also those that have ended. */
  list(): Promise<Invitation[]>;
  /** How many of them are still good. */
  pending(): Promise<number>;
  /** Errors: NotFoundError. */
  withdraw(admin: User, id: string): Promise<void>;
  /** Errors: AppError 404 for a token that is unknown, used, withdrawn or over: they cannot be told apart. */
  find(token: string): Promise<Invitation>;
  /** Makes the user. Errors: as for `find`; InvalidInputError; ConflictError `email_taken`. */
  accept(token: string, input: { name: string; password: string }): Promise<User>;
  /** The same for whoever has proven to have the address, without a password. Undefined where nobody invited it. */
  acceptFor(email: string, name: string): Promise<User | undefined>;
  /** Takes away those that ended long ago. */
  prune(): Promise<void>;
};

/** Whom an admin invites, and as what. */
export const invitationSchema = z.object({
  email: z
    .string({ error: 'Enter an e-mail address such as name@example.com.' })
    .trim()
    .max(254, 'Enter an e-mail address of 254 characters or fewer.')
    .pipe(z.email('Enter an e-mail address such as name@example.com.')),
  role: z.enum(['admin', 'member'], { error: 'Choose a role.' }),
});

const DAYS = 7;
/** Those that have ended are shown for a while, so that they can be repeated. */
const SHOWN_DAYS = 30;
/** A page waits for the mail server for so long. */
const MAIL_WAIT_MS = 5000;

/** Tokens have 256 random bits, so a plain SHA-256 keeps them as safe as a slow hash would. */
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

export function createInvitationService(deps: {
  config: Config;
  database: Database;
  users: UserService;
  logger: Logger;
}): InvitationService {
  const { config, database, users, logger } = deps;
  const mailer = config.mail && createMailer(config.mail);

  /** Sent at once and not by the queue, whose rows would keep the token. */
  async function tell(email: string, admin: User, link: string): Promise<MailOutcome> {
    if (!mailer) return { state: 'off' };
    const sent = mailer
      .send({
        messageId: `${randomUUID()}@${new URL(config.baseUrl).hostname}`,
        to: email,
        subject: `${admin.name} invites you to Tributary`,
        text: [
          `${admin.name} (${admin.email}) invites you to the Tributary hub at ${config.baseUrl}.`,
          `Choose your name and your password here:\n${link}`,
          `The link works once, for ${DAYS} days. If you do not know what this is about, leave it alone: nothing happens without it.`,
        ].join('\n\n'),
      })
      .then(
        (): MailOutcome => ({ state: 'sent' }),
        (error: unknown): MailOutcome => {
          if (!(error instanceof DeliveryError)) throw error;
          logger.warn({ problem: error.message }, 'an invitation could not be sent by mail');
          return { state: 'failed', problem: error.message };
        },
      );
    return Promise.race([sent, sleep(MAIL_WAIT_MS, { state: 'under_way' } as const, { ref: false })]);
  }

  return {
    async invite(admin, { email, role }) {
      const token = randomBytes(32).toString('base64url');
      const expiresAt = new Date(Date.now() + DAYS * 24 * 3600 * 1000);
      const invitation = await database.transaction(async (trx) => {
        if (await findUserByEmail(trx, email))
          throw new ConflictError('email_taken', `A user with the address ${email} exists already.`);
        const saved = await saveInvitation(trx, {
          email,
          role,
          tokenHash: hashOf(token),
          invitedBy: admin.id,
          expiresAt,
        });
        await recordAudit(trx, {
          action: 'user_invited',
          actor: admin,
          subject: { kind: 'user', name: email },
          details: { role },
        });
        return { ...saved, invitedBy: admin.name };
      });
      const link = config.baseUrl + paths.invitation(token);
      return { invitation, link, mail: await tell(email, admin, link) };
    },

    list: () => listInvitations(database.current()),

    async pending() {
      const all = await listInvitations(database.current());
      return all.filter(({ expiresAt }) => expiresAt.getTime() > Date.now()).length;
    },

    withdraw: (admin, id) =>
      database.transaction(async (trx) => {
        const invitation = isUuid(id) ? await deleteInvitation(trx, id) : undefined;
        if (!invitation) throw new NotFoundError('The invitation');
        await recordAudit(trx, {
          action: 'invitation_withdrawn',
          actor: admin,
          subject: { kind: 'user', name: invitation.email },
        });
      }),

    async find(token) {
      return (await findInvitation(database.current(), hashOf(token))) ?? gone();
    },

    accept: (token, { name, password }) =>
      database.transaction(async (trx) => {
        const { email, role } = (await takeInvitation(trx, hashOf(token))) ?? gone();
        const user = await users.create({ email, role, name, password });
        await recordAudit(trx, { action: 'invitation_accepted', actor: user });
        return user;
      }),

    acceptFor: (email, name) =>
      database.transaction(async (trx) => {
        const invitation = await takeInvitationFor(trx, email);
        if (!invitation) return undefined;
        const user = await users.create({ email: invitation.email, role: invitation.role, name });
        await recordAudit(trx, { action: 'invitation_accepted', actor: user });
        return user;
      }),

    prune: () => deleteOldInvitations(database.knex, SHOWN_DAYS),
  };
}

function gone(): never {
  throw new AppError(
    404,
    'not_found',
    'This invitation is not valid any more: it was used or withdrawn, or its seven days are over. Ask an admin of the hub for a new one.',
  );
}
