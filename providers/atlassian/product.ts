import type { ProviderDefinition } from '../provider.ts';

/** One of Atlassian's products, as what both share needs to know it. */
export type Product = Pick<ProviderDefinition, 'label' | 'settings' | 'scopes'> & {
  /** Also its name on Atlassian's gateway: `/ex/jira/{cloudId}`. */
  platform: 'confluence' | 'jira';
};

/** Scopes that both products need beside their own. */
export const SHARED_SCOPES: Product['scopes'] = [
  { scope: 'read:me', reason: 'Shows which account was connected, with its name and e-mail address.' },
  { scope: 'offline_access', reason: 'Keeps the connection alive while you are away.' },
];

/** Hosts of Atlassian Cloud: consent and tokens, the gateway, files, and customers' sites. */
export const ATLASSIAN_HOSTS = [
  'auth.atlassian.com',
  'api.atlassian.com',
  'api.media.atlassian.com',
  '*.atlassian.net',
];

export const MANUAL_REVOKE_URL = 'https://id.atlassian.com/manage-profile/apps';

/** A refresh token that nobody uses ends. Source: https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/ (2026). */
export const IDLE_DAYS = 90;
