import type { AtlassianConfig } from '../../server/config.ts';
import { createAtlassianAuth } from '../atlassian/auth.ts';
import { createAtlassianClient } from '../atlassian/client.ts';
import { judgeAtlassian } from '../atlassian/failures.ts';
import { ATLASSIAN_HOSTS, IDLE_DAYS, MANUAL_REVOKE_URL, SHARED_SCOPES } from '../atlassian/product.ts';
import { createSites, isDataCenter } from '../atlassian/sites.ts';
import { createTokenConnect, type TokenProduct } from '../atlassian/token-connection.ts';
import { apiTokenForm, personalTokenForm } from '../atlassian/token-forms.ts';
import type { Connection, Provider, ProviderDefinition } from '../provider.ts';
import { createConfluenceChanges } from './changes.ts';
import { createCloud } from './cloud.ts';
import { createDataCenter } from './data-center.ts';
import { createReading, type Reading } from './reading.ts';

export const confluenceDefinition: ProviderDefinition = {
  id: 'confluence',
  label: 'Confluence',
  summary: 'Browse and import pages, blog posts and their attachments, by space or by page with all below it.',
  scopes: [
    { scope: 'read:space:confluence', reason: 'Lists the spaces you can see.' },
    { scope: 'read:page:confluence', reason: 'Reads the pages and blog posts you import. Nothing is changed.' },
    { scope: 'read:hierarchical-content:confluence', reason: 'Shows what lies below a page or in a folder.' },
    { scope: 'read:folder:confluence', reason: 'Shows folders between pages.' },
    { scope: 'read:whiteboard:confluence', reason: 'Names whiteboards, and finds pages below them.' },
    { scope: 'read:database:confluence', reason: 'Names databases, and finds pages below them.' },
    { scope: 'read:embed:confluence', reason: 'Names links to other services, and finds pages below them.' },
    { scope: 'read:attachment:confluence', reason: 'Lists the files attached to pages.' },
    { scope: 'readonly:content.attachment:confluence', reason: 'Downloads the attached files you import.' },
    { scope: 'read:user:confluence', reason: 'Shows the names of authors and of people mentioned in pages.' },
    { scope: 'search:confluence', reason: 'Searches pages and attachments, and reads the comments on pages.' },
    ...SHARED_SCOPES,
  ],
  settings: { clientId: 'CONFLUENCE_CLIENT_ID', clientSecret: 'CONFLUENCE_CLIENT_SECRET' },
  tokenForms: [
    apiTokenForm('Confluence', 'https://acme.atlassian.net/wiki/spaces/DOC/overview'),
    personalTokenForm('Confluence', 'https://wiki.example.com/display/DOC'),
  ],
  hosts: ATLASSIAN_HOSTS,
  // Points by the hour, shared by all sites of an app, and buckets of each call whose sizes are not published. These keep a large import from
  // running into either at once. Source: https://developer.atlassian.com/cloud/confluence/rate-limiting/ (2026)
  pace: { integration: { perSecond: 10, burst: 50 }, app: { perSecond: 50, burst: 200 } },
  importChoices: ['children', 'attachments'],
  idleDays: IDLE_DAYS,
  manualRevokeUrl: MANUAL_REVOKE_URL,
  help: { consoleUrl: 'https://developer.atlassian.com/console/myapps/', guide: 'docs/confluence.md' },
};

const product: TokenProduct = {
  ...confluenceDefinition,
  platform: 'confluence',
  cloud: { user: '/wiki/rest/api/user/current', root: '/wiki', scope: 'read:confluence-user' },
  server: {
    user: '/rest/api/user/current',
    // What stands in front of these is the path that a server was installed under.
    pages: ['display', 'spaces', 'pages', 'x', 'plugins', 'download', 'rest', 'label', 'people'],
  },
};

/**
 * Confluence Cloud by its REST API version 2, and a Data Center by its own: sites, spaces, pages and blog posts as documents in Confluence's
 * storage format, and what is attached to them or said of them.
 * Errors: every method throws ProviderError only; `open` throws the signal's reason when it is aborted.
 */
export function createConfluence(config: AtlassianConfig): Provider {
  const client = createAtlassianClient(product);
  const { failures } = client;
  const sites = createSites(config, product, client);
  const cloud = createReading(createCloud(client, sites), sites, failures);
  const dataCenter = createReading(createDataCenter(client), sites, failures);
  const of = (connection: Connection): Reading => (isDataCenter(connection) ? dataCenter : cloud);

  return {
    definition: confluenceDefinition,
    auth: createAtlassianAuth(config, product, client),
    connectWithToken: createTokenConnect(config, product, failures),
    judge: judgeAtlassian,
    roots: async (connection) => of(connection).roots(connection),
    list: async (connection, ref, ...asked) => ({
      ...(await of(connection).list(connection, ref, ...asked)),
      address: ref,
    }),
    search: async (connection, ...asked) => of(connection).search(connection, ...asked),
    get: async (connection, ref) => of(connection).get(connection, ref),
    changes: createConfluenceChanges(product, sites, (connection) => of(connection).touched),
    open: async (connection, ...asked) => of(connection).open(connection, ...asked),
  };
}
