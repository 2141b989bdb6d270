import type { Knex } from 'knex';
import type { Invitation } from '../services/invitation-service.ts';
import type { Role } from '../services/user-service.ts';

type InvitationRow = {
  id: string;
  email: string;
  role: Role;
  created_at: Date;
  expires_at: Date;
  invited_by_name?: string | null;
};

const COLUMNS = ['invitations.id', 'invitations.email', 'invitations.role', 'invitations.created_at', 'expires_at'];

const toInvitation = (row: InvitationRow): Invitation => ({
  id: row.id,
  email: row.email,
  role: row.role,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  invitedBy: row.invited_by_name ?? undefined,
});

/** One for each address: the one before is worth nothing any more. */
export async function saveInvitation(
  db: Knex,
  invitation: { email: string; role: Role; tokenHash: string; invitedBy: string; expiresAt: Date },
): Promise<Invitation> {
  const values = {
    role: invitation.role,
    token_hash: invitation.tokenHash,
    invited_by: invitation.invitedBy,
    expires_at: invitation.expiresAt,
  };
  await db('invitations').whereRaw('lower(email) = lower(?)', [invitation.email]).delete();
  const [row] = (await db('invitations')
    .insert({ email: invitation.email, ...values })
    .onConflict(db.raw('(lower(email))'))
    .merge({ ...values, created_at: db.fn.now() })
    .returning(COLUMNS)) as [InvitationRow];
  return toInvitation(row);
}

/** Newest first, those that have ended too. */
export async function listInvitations(db: Knex): Promise<Invitation[]> {
  const rows = (await db('invitations')
    .leftJoin('users', 'users.id', 'invitations.invited_by')
    .select(...COLUMNS, 'users.name as invited_by_name')
    .orderBy('invitations.created_at', 'desc')
    .orderBy('invitations.id')) as InvitationRow[];
  return rows.map(toInvitation);
}

export async function findInvitation(db: Knex, tokenHash: string): Promise<Invitation | undefined> {
  const row = (await db('invitations')
    .where({ token_hash: tokenHash })
    .where('expires_at', '>', db.fn.now())
    .first(COLUMNS)) as InvitationRow | undefined;
  return row && toInvitation(row);
}

/** Takes it, once. */
export async function takeInvitation(trx: Knex.Transaction, tokenHash: string): Promise<Invitation | undefined> {
  const [row] = (await trx('invitations')
    .where({ token_hash: tokenHash })
    .where('expires_at', '>', trx.fn.now())
    .delete()
    .returning(COLUMNS)) as InvitationRow[];
  return row && toInvitation(row);
}

/** The same by the address, which somebody else vouches for. */
export async function takeInvitationFor(trx: Knex.Transaction, email: string): Promise<Invitation | undefined> {
  const [row] = (await trx('invitations')
    .whereRaw('lower(email) = lower(?)', [email])
    .where('expires_at', '>', trx.fn.now())
    .delete()
    .returning(COLUMNS)) as InvitationRow[];
  return row && toInvitation(row);
}

export async function deleteInvitation(db: Knex, id: string): Promise<Invitation | undefined> {
  const [row] = (await db('invitations').where({ id }).delete().returning(COLUMNS)) as InvitationRow[];
  return row && toInvitation(row);
}

/** Those that ended so many days ago. */
export async function deleteOldInvitations(db: Knex, days: number): Promise<void> {
  await db('invitations').whereRaw(`expires_at < now() - ? * interval '1 day'`, [days]).delete();
}
