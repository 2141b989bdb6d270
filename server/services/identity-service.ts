import type { Knex } from 'knex';
import {
  IDENTITY_PROVIDER_LABELS,
  type IdentityProviderId,
  type VendorIdentity,
} from '../../providers/identity-provider.ts';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { AppError, NotFoundError } from '../errors.ts';
import { recordAudit } from '../stores/audit-store.ts';
import {
  findIdentity,
  hadIdentity,
  listIdentities,
  saveIdentity,
  unlinkIdentity,
  useIdentity,
} from '../stores/identity-store.ts';
import { findUser, findUserByEmail, lockUsers, toUser, type UserRow } from '../stores/user-store.ts';
import type { InvitationService } from './invitation-service.ts';
import type { User, UserService } from './user-service.ts';

/** An account at another service that a user signs in with. */
export type Identity = {
  id: string;
  provider: IdentityProviderId;
  email?: string;
  createdAt: Date;
  lastUsedAt: Date;
};

/** Who somebody is at which service. */
export type Claim = VendorIdentity & { provider: IdentityProviderId };

/** `how`: by an identity known before, one that was linked because of its address, or as a new user. */
export type Recognised = { user: User; how: 'known' | 'linked' | 'new' };

/**
 * Which account of another service belongs to which user. An identity is known by the service's id of it alone. Its address counts once, when
 * it comes for the first time, and only as far as the service vouches for it.
 */
export type IdentityService = {
  /** Whom an identity signs in, made or linked where the rules allow it. Errors: AppError 403, and nothing is written but the refusal. */
  recognise(claim: Claim): Promise<Recognised>;
  /** Lets the user sign in with it. Again changes nothing. Errors: AppError 409 where it is somebody else's. */
  link(user: User, claim: Claim): Promise<void>;
  list(user: User): Promise<Identity[]>;
  /** Errors: NotFoundError. */
  get(user: User, id: string): Promise<Identity>;
  /** Errors: NotFoundError; AppError 409 where it is the user's last way to sign in. */
  unlink(user: User, id: string): Promise<void>;
};

/** Why somebody is not let in. The key stands in the audit log. */
const REFUSALS = {
  disabled: () => 'Your account on this hub is disabled. Ask an admin of the hub to enable it.',
  unlinked: (label: string) =>
    `This ${label} account was unlinked from an account of this hub. Sign in in another way, then link it again on your profile page.`,
  unverified: (label: string) =>
    `${label} has not verified an e-mail address of this account. Verify it at ${label}, then try again.`,
  not_linked: (label: string) =>
    `There is an account with this address, but ${label} alone does not prove that it is yours. Sign in as you usually do, then link ${label} on your profile page.`,
  unknown: (label: string) =>
    `Nobody on this hub has the address of this ${label} account. Ask an admin of the hub to invite you at this address.`,
};

/** Codes that pages alone meet. */
const TAKEN = 'identity_taken';
const LAST_WAY_IN = 'last_way_in';

type Refused = { refused: keyof typeof REFUSALS; row?: UserRow };

export function createIdentityService(deps: {
  config: Config;
  database: Database;
  users: UserService;
  invitations: InvitationService;
}): IdentityService {
  const { config, database, users, invitations } = deps;

  /** What is decided stays true until it is written: nobody else changes users meanwhile. */
  const alone = <T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T> =>
    database.transaction(async (trx) => {
      await lockUsers(trx);
      return work(trx);
    });

  async function save(trx: Knex.Transaction, user: User, { provider, subject, email }: Claim): Promise<void> {
    const id = await saveIdentity(trx, { userId: user.id, provider, subject, email });
    await recordAudit(trx, {
      action: 'identity_linked',
      actor: user,
      subject: { kind: 'identity', id },
      details: { by: provider },
    });
  }

  async function decide(trx: Knex.Transaction, claim: Claim): Promise<Recognised | Refused> {
    const { provider, email } = claim;
    const known = await findIdentity(trx, claim);
    if (known) {
      const row = await findUser(trx, known.user_id);
      if (known.unlinked_at) return { refused: 'unlinked', row };
      if (!row || row.disabled_at) return { refused: 'disabled', row };
      await useIdentity(trx, known.id, email);
      return { user: toUser(row), how: 'known' };
    }
    if (email === undefined || !claim.emailVerified) return { refused: 'unverified' };
    const row = await findUserByEmail(trx, email);
    if (row) {
      // A second account with the address of the first: the address, or its whole domain, has changed hands.
      if (!claim.emailAuthoritative || (await hadIdentity(trx, row.id, provider)))
        return { refused: 'not_linked', row };
      if (row.disabled_at) return { refused: 'disabled', row };
      await save(trx, toUser(row), claim);
      return { user: toUser(row), how: 'linked' };
    }
    const user = await admit(email, nameOf(claim, email));
    if (!user) return { refused: 'unknown' };
    await save(trx, user, claim);
    return { user, how: 'new' };
  }

  /** A new user: invited, or of a domain whose people may come by themselves. */
  async function admit(email: string, name: string): Promise<User | undefined> {
    const invited = await invitations.acceptFor(email, name);
    if (invited) return invited;
    const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
    return config.sso.allowedDomains.includes(domain) ? users.create({ email, name, role: 'member' }) : undefined;
  }

  async function list(user: User): Promise<Identity[]> {
    const rows = await listIdentities(database.current(), user.id);
    return rows.map(({ id, provider, email, created_at, last_used_at }) => ({
      id,
      provider,
      email: email ?? undefined,
      createdAt: created_at,
      lastUsedAt: last_used_at,
    }));
  }

  async function get(user: User, id: string): Promise<Identity> {
    const found = (await list(user)).find((one) => one.id === id);
    if (!found) throw new NotFoundError('This way to sign in');
    return found;
  }

  return {
    async recognise(claim) {
      const decided = await alone((trx) => decide(trx, claim));
      if ('user' in decided) return decided;
      const { refused, row } = decided;
      await recordAudit(database.current(), {
        action: 'sign_in_failed',
        subject: row && { kind: 'user', id: row.id, name: row.email },
        details: { by: claim.provider, because: refused },
      });
      const code = `identity_${refused}`;
      throw new AppError(403, code, REFUSALS[refused](IDENTITY_PROVIDER_LABELS[claim.provider]));
    },

    link: (user, claim) =>
      alone(async (trx) => {
        const known = await findIdentity(trx, claim);
        if (!known || known.unlinked_at) return save(trx, user, claim);
        if (known.user_id === user.id) return useIdentity(trx, known.id, claim.email);
        const label = IDENTITY_PROVIDER_LABELS[claim.provider];
        const message = `Somebody else signs in to this hub with this ${label} account. Choose another one at ${label}, or let them unlink it first.`;
        throw new AppError(409, TAKEN, message);
      }),

    list,
    get,

    unlink: (user, id) =>
      alone(async (trx) => {
        const identity = await get(user, id);
        const others = (await list(user)).filter((one) => one.id !== id && config.sso[one.provider]);
        if (others.length === 0 && !(await users.hasPassword(user)))
          throw new AppError(
            409,
            LAST_WAY_IN,
            'You could not sign in any more. Set a password first, or link another account.',
          );
        await unlinkIdentity(trx, id);
        await recordAudit(trx, {
          action: 'identity_unlinked',
          actor: user,
          subject: { kind: 'identity', id },
          details: { by: identity.provider },
        });
      }),
  };
}

/** As people are called there; else what stands before the @. */
const nameOf = ({ name }: Claim, email: string): string =>
  (name?.trim() || email.slice(0, email.lastIndexOf('@'))).slice(0, 100);
