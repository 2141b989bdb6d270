import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { AtlassianPerson } from '../atlassian/sandbox-world.ts';
import { badRequest } from './sandbox-refusal.ts';
import type { ConfluenceState } from './sandbox-state.ts';
import type { Asked } from './sandbox-asked.ts';

type Wire = Record<string, unknown>;

const PICTURE = { path: '/wiki/aa-avatar/default', width: 48, height: 48, isDefault: true };
const expandable = { operations: '', personalSpace: '' };

/** A person as the first version of the API shows one; their e-mail address comes to themselves only, unless they show it to all. */
export const userWire = (person: AtlassianPerson, siteUrl: string): Wire => ({
  type: 'known',
  accountId: person.accountId,
  accountType: person.accountType,
  email: person.email ?? '',
  publicName: person.name,
  displayName: person.name,
  timeZone: person.timeZone,
  profilePicture: PICTURE,
  isExternalCollaborator: false,
  isGuest: false,
  _expandable: expandable,
  _links: { self: `${siteUrl}/wiki/rest/api/user?accountId=${person.accountId}` },
});

/** Somebody whom the site lets in without knowing who it is. */
export const anonymousWire = (siteUrl: string): Wire => ({
  type: 'anonymous',
  displayName: 'Anonymous',
  profilePicture: PICTURE,
  _expandable: expandable,
  _links: { self: `${siteUrl}/wiki/rest/api/user/anonymous` },
});

const MOST_USERS = 250;
const bulkBody = z.object({ accountIds: z.array(z.string()).min(1).max(MOST_USERS) });

/** People by their account ids; those that nobody has are left out. Errors: Refusal 400. */
export function sendUsers({ req, res, state }: Asked): void {
  const body = bulkBody.safeParse(req.body);
  if (!body.success) throw badRequest(`From 1 to ${MOST_USERS} accountIds are needed.`);
  const people = state.people.filter(({ accountId }) => body.data.accountIds.includes(accountId));
  res.json({ results: people.map((person) => bulkUserWire(person, state)) });
}

const bulkUserWire = (person: AtlassianPerson, { spaces }: ConfluenceState): Wire => ({
  accountId: person.accountId,
  accountType: person.accountType,
  accountStatus: 'active',
  displayName: person.name,
  publicName: person.name,
  email: person.email ?? '',
  timeZone: person.timeZone,
  personalSpaceId: spaces.find(({ type, owner }) => type === 'personal' && owner === person)?.id ?? null,
  isExternalCollaborator: false,
  profilePicture: PICTURE,
});

/** Key of a person on a server, where there are no accounts of Atlassian's. */
export const userKeyOf = ({ accountId }: AtlassianPerson): string =>
  createHash('sha256').update(`user key ${accountId}`).digest('hex').slice(0, 32);

export const usernameOf = ({ email, accountId }: AtlassianPerson): string =>
  email?.split('@')[0] ?? accountId.slice(-12);

/** A person as a server shows one. */
export const serverUserWire = (person: AtlassianPerson, siteUrl: string): Wire => ({
  type: 'known',
  username: usernameOf(person),
  userKey: userKeyOf(person),
  profilePicture: PICTURE,
  displayName: person.name,
  _links: { self: `${siteUrl}/rest/api/user?key=${userKeyOf(person)}` },
  _expandable: { status: '' },
});

export const serverAnonymousWire = { type: 'anonymous', profilePicture: PICTURE, displayName: 'Anonymous' };
