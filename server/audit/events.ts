/** Everything that is audited, with the words that people read. */
export const AUDIT_ACTIONS = {
  sign_in: 'Signed in',
  sign_in_failed: 'Sign-in failed',
  sign_out: 'Signed out',
  user_created: 'User added',
  user_invited: 'User invited',
  invitation_accepted: 'Invitation accepted',
  invitation_withdrawn: 'Invitation withdrawn',
  identity_linked: 'Account to sign in with linked',
  identity_unlinked: 'Account to sign in with unlinked',
  user_renamed: 'Name changed',
  role_changed: 'Role changed',
  user_disabled: 'User disabled',
  user_enabled: 'User enabled',
  password_changed: 'Password changed',
  password_refused: 'Password change refused',
  sessions_ended: 'Sessions ended',
  token_created: 'API token created',
  token_deleted: 'API token deleted',
  grant_connected: 'Account connected',
  grant_reconnected: 'Account reconnected',
  grant_refresh_failed: 'Grant refused by the service',
  grant_revoked: 'Grant revoked',
  grant_disconnected: 'Account disconnected',
  import_started: 'Import started',
  import_cancelled: 'Import cancelled',
  sync_started: 'Sync started',
  sync_answered: 'Sync answered',
  document_deleted: 'Document deleted',
  keys_rotated: 'Keys rotated',
  keys_forgotten: 'Grants without a key given up',
} as const;

export type AuditAction = keyof typeof AUDIT_ACTIONS;

/** Who did it: a user, somebody who is not signed in, the operator by a command, or the hub by itself. */
export type ActorKind = 'user' | 'stranger' | 'operator' | 'hub';

export type SubjectKind = 'user' | 'identity' | 'invitation' | 'token' | 'integration' | 'import' | 'document';

/**
 * What is written of a change. Admins read it, who do not see what others have connected and imported: ids and counts, no names of accounts,
 * documents or tokens, and never a secret.
 */
export type AuditEvent = {
  action: AuditAction;
  /** Absent: whoever the origin says. `hub`: the hub does it by itself, whatever the origin. */
  actor?: { id: string; email: string } | 'hub';
  /** `name` is the address of a user or of a token's owner, or an integration's platform. */
  subject?: { kind: SubjectKind; id?: string; name?: string };
  details?: Record<string, string | number>;
};

export type AuditEntry = {
  id: string;
  at: Date;
  action: AuditAction;
  actor: { kind: ActorKind; id?: string; email?: string };
  subject?: { kind: SubjectKind; id?: string; name?: string };
  details: Record<string, string | number>;
  address?: string;
  userAgent?: string;
  requestId?: string;
};

/** `who`: part of the address of the one who did it, or whom it was done to. `since` counts, `until` does not. */
export type AuditFilter = { who?: string; action?: AuditAction; since?: Date; until?: Date };
