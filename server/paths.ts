import type { IdentityProviderId } from '../providers/identity-provider.ts';
import type { Platform } from '../providers/provider.ts';

const query = (values: Record<string, string | undefined>): string => {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== '') params.set(name, value);
  const text = params.toString();
  return text ? `?${text}` : '';
};

type AuditAddress = { who?: string; action?: string; since?: string; until?: string };

/** How many chunks a document's page shows at once; a link to a later chunk names the page it stands on. */
export const CHUNKS_PER_PAGE = 200;

/** Every URL of the hub's own pages, so that a link and its route can never drift apart. */
export const paths = {
  home: '/',
  openApi: '/openapi.json',
  reference: '/docs',
  referenceFile: (name: string) => `/docs/${name}`,
  signIn: '/sign-in',
  signOut: '/sign-out',
  /** Where a sign-in with an account of another service begins, and where that service sends people back to. */
  sso: (provider: IdentityProviderId) => `/sign-in/sso/${provider}`,
  ssoCallback: (provider: IdentityProviderId) => `/sign-in/sso/${provider}/callback`,
  setUp: '/set-up',
  overview: '/admin',
  integrations: '/admin/integrations',
  integration: (id: string) => `/admin/integrations/${id}`,
  connect: (platform: Platform) => `/admin/integrations/connect/${platform}`,
  /** `form` is one of the service's ways to connect by a token; `integration` an account to be reconnected by it. */
  connectToken: (platform: Platform, options: { form?: string; integration?: string } = {}) =>
    `/admin/integrations/${platform}/token${query(options)}`,
  reconnect: (id: string) => `/admin/integrations/${id}/reconnect`,
  disconnect: (id: string) => `/admin/integrations/${id}/disconnect`,
  sync: (id: string) => `/admin/integrations/${id}/sync`,
  schedule: (id: string) => `/admin/integrations/${id}/schedule`,
  unfollow: (id: string, selectionId: string) => `/admin/integrations/${id}/selections/${selectionId}/stop`,
  browse: (
    options: {
      integration?: string;
      ref?: string;
      q?: string;
      cursor?: string;
      /** "name", "size" or "modified"; "-name" for the other way round. */
      sort?: string;
    } = {},
  ) =>
    `/admin/browse${query({ integration: options.integration, ref: options.ref, q: options.q, cursor: options.cursor, sort: options.sort })}`,
  /** What is known of an item, and the beginning of its text; `from` is the page of the browser to go back to. */
  preview: (options: { integration: string; ref: string; from?: string }) => `/admin/browse/preview${query(options)}`,
  basketAdd: '/admin/browse/selection/add',
  basketRemove: '/admin/browse/selection/remove',
  basketClear: '/admin/browse/selection/clear',
  /** `from` is the page of the browser to go back to. */
  review: (from?: string) => `/admin/browse/review${query({ from })}`,
  imports: '/admin/imports',
  importsPage: (cursor: string) => `/admin/imports${query({ cursor })}`,
  import: (id: string, options: { cursor?: string; state?: string; q?: string } = {}) =>
    `/admin/imports/${id}${query({ cursor: options.cursor, state: options.state, q: options.q })}`,
  importLedger: (id: string, options: { state?: string; q?: string } = {}) =>
    `/admin/imports/${id}/ledger.csv${query({ state: options.state, q: options.q })}`,
  importEvents: (id: string, since: string) => `/api/v1/imports/${id}/events${query({ since })}`,
  importCancel: (id: string) => `/admin/imports/${id}/cancel`,
  importRemovals: (id: string) => `/admin/imports/${id}/removals`,
  importRetry: (id: string) => `/admin/imports/${id}/retry`,
  documents: (
    options: {
      q?: string;
      platform?: string;
      category?: string;
      uncategorised?: string;
      integration?: string;
      state?: string;
      age?: string;
      sort?: string;
      cursor?: string;
    } = {},
  ) => `/admin/documents${query(options)}`,
  /** Where something is done to many documents: asks first, by what the list's form or the same form says. */
  documentsChange: '/admin/documents/change',
  /** `view` is how its chunks are shown, or its history instead. */
  document: (id: string, options: { page?: number; view?: 'embedded' | 'history' } = {}) =>
    `/admin/documents/${id}${query({ view: options.view, page: options.page && options.page > 1 ? String(options.page) : undefined })}`,
  documentChunk: (id: string, ordinal: number, view?: 'embedded') =>
    `${paths.document(id, { view, page: Math.floor(ordinal / CHUNKS_PER_PAGE) + 1 })}#chunk-${ordinal}`,
  documentOriginal: (id: string) => `/admin/documents/${id}/original`,
  documentSync: (id: string) => `/admin/documents/${id}/sync`,
  documentDelete: (id: string) => `/admin/documents/${id}/delete`,
  search: (
    options: {
      q?: string;
      ask?: string;
      platform?: string;
      category?: string;
      mode?: string;
      integrationId?: string;
      folder?: string;
      modifiedFrom?: string;
      modifiedTo?: string;
    } = {},
  ): string => `/admin/search${query(options)}`,
  notifications: '/admin/notifications',
  notificationsPage: (cursor: string) => `/admin/notifications${query({ cursor })}`,
  notificationDismiss: (id: string) => `/admin/notifications/${id}/dismiss`,
  notificationTest: '/admin/notifications/test',
  tokens: '/admin/tokens',
  tokenDelete: (id: string) => `/admin/tokens/${id}/delete`,
  users: '/admin/users',
  usersList: (options: { q?: string; cursor?: string }) => `/admin/users${query(options)}`,
  user: (id: string) => `/admin/users/${id}`,
  userRole: (id: string) => `/admin/users/${id}/role`,
  userDisable: (id: string) => `/admin/users/${id}/disable`,
  userEnable: (id: string) => `/admin/users/${id}/enable`,
  userSignOut: (id: string) => `/admin/users/${id}/sign-out`,
  invitations: '/admin/invitations',
  invitationWithdraw: (id: string) => `/admin/invitations/${id}/withdraw`,
  /** Where an invited person comes in; `token` is in the query, which is not logged. */
  invitation: (token?: string) => `/invitation${query({ token })}`,
  profile: '/admin/profile',
  profilePassword: '/admin/profile/password',
  identityLink: (provider: IdentityProviderId) => `/admin/profile/identities/link/${provider}`,
  identityUnlink: (id: string) => `/admin/profile/identities/${id}/unlink`,
  sessionEnd: (id: string) => `/admin/profile/sessions/${id}/end`,
  sessionsEnd: '/admin/profile/sessions/end-others',
  audit: (options: AuditAddress & { cursor?: string } = {}) => `/admin/audit${query(options)}`,
  auditCsv: (options: AuditAddress = {}) => `/admin/audit.csv${query(options)}`,
  setupCheck: '/admin/setup',
  /** The redirect URI's path, registered at the vendor. */
  callback: (platform: Platform) => `/api/v1/integrations/${platform}/callback`,
  mcp: '/mcp',
  /** Where a vendor calls: for one account, or for the hub's whole app. */
  webhook: (platform: Platform, integrationId?: string) =>
    `/webhooks/${platform}${integrationId === undefined ? '' : `/${integrationId}`}`,
} as const;
