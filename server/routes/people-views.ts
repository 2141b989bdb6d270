import type { IdentityProviderId } from '../../providers/identity-provider.ts';
import type { Moment } from '../format.ts';

/** A user as the pages of admins show one. */
export type PersonRow = {
  id: string;
  name: string;
  email: string;
  roleLabel: string;
  createdAt: Moment;
  lastSignInAt?: Moment;
  integrations: string;
  /** "Password", "Google". */
  signsInBy: string[];
  disabledAt?: Moment;
  isSelf: boolean;
};

export type SessionRow = {
  id: string;
  /** "Firefox on Windows". */
  browser: string;
  address?: string;
  startedAt: Moment;
  seenAt: Moment;
  isThis: boolean;
};

/** An account of another service that the user signs in with. */
export type IdentityRow = { id: string; label: string; email?: string; createdAt: Moment; lastUsedAt: Moment };

/** `key`: for links; the rest as people read it. */
export type AuditRow = {
  at: Moment;
  who: string;
  what: string;
  about: string;
  browser: string;
  address?: string;
  requestId?: string;
};

export type PeopleViews = {
  'users/index': {
    users: PersonRow[];
    pending: number;
    /** What is searched for; empty for all. */
    q: string;
    nextHref?: string;
    firstHref?: string;
  };
  'users/show': { person: PersonRow; role: string };
  'users/disable': { person: PersonRow };
  'users/invitations': {
    invitations: {
      id: string;
      email: string;
      roleLabel: string;
      invitedBy?: string;
      createdAt: Moment;
      expiresAt: Moment;
      expired: boolean;
    }[];
    pending: number;
    /** Present only in the answer to its creation. */
    created?: { email: string; link: string; expiresAt: Moment; mail: string };
  };
  'profile/index': {
    sessions: SessionRow[];
    others: number;
    hasPassword: boolean;
    identities: IdentityRow[];
    /** Services whose accounts can be linked. */
    providers: { id: IdentityProviderId; label: string }[];
  };
  'profile/unlink': { identity: { id: string; label: string; email?: string } };
  'audit/index': {
    entries: AuditRow[];
    /** Invitations that wait, for the tabs. */
    pending: number;
    filter: { who: string; action: string; since: string; until: string };
    filtered: boolean;
    actions: { id: string; label: string }[];
    csvHref: string;
    days: string;
    nextHref?: string;
    firstHref?: string;
  };
};
