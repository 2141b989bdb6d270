import { Readable } from 'node:stream';
import type { AtlassianConfig } from '../../server/config.ts';
import { createAtlassianAuth } from '../atlassian/auth.ts';
import { createAtlassianClient } from '../atlassian/client.ts';
import { judgeAtlassian } from '../atlassian/failures.ts';
import { ATLASSIAN_HOSTS, IDLE_DAYS, MANUAL_REVOKE_URL, SHARED_SCOPES } from '../atlassian/product.ts';
import { createSites } from '../atlassian/sites.ts';
import { createTokenConnect, type TokenProduct } from '../atlassian/token-connection.ts';
import { apiTokenForm } from '../atlassian/token-forms.ts';
import { ProviderError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { Connection, Item, ItemPage, ListOptions, OpenedFile, Provider, ProviderDefinition } from '../provider.ts';
import { bodyStream, isPage } from '../streams.ts';
import { createJiraChanges } from './changes.ts';
import { formatCursor, keyOf, parseCursor, staleCursor } from './cursors.ts';
import { createIssues, fromHint, hintOf, isRefused, type Seat } from './issues.ts';
import { createProjects } from './projects.ts';
import { formatRef, gone, parseRef, type Ref } from './refs.ts';
import { createSearch, notUnderstood } from './search.ts';
import { createJiraWebhooks, WEBHOOK_SCOPE } from './webhooks.ts';
import {
  attachmentSchema,
  toAttachmentItem,
  toIssueItem,
  toProjectItem,
  toQueryItem,
  toSiteItem,
  typeOf,
  type Attachment,
  type Site,
} from './wire.ts';

const PAGE_SIZE = 50;
/** With all fields, Jira answers with no more. Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/ (2026). */
const MOST_ON_A_PAGE = 100;

export const jiraDefinition: ProviderDefinition = {
  id: 'jira',
  label: 'Jira',
  summary: 'Browse and import issues with their comments and attachments, by project or by a query in JQL.',
  scopes: [
    { scope: 'read:jira-work', reason: 'Lists your projects and reads the issues you import. Nothing is changed.' },
    { scope: 'read:jira-user', reason: 'Shows the names of people in issues.' },
    {
      scope: WEBHOOK_SCOPE,
      reason: 'Lets the hub ask Jira to say by itself that something has changed. Nothing else is changed.',
      optional: true,
    },
    ...SHARED_SCOPES,
  ],
  settings: { clientId: 'JIRA_CLIENT_ID', clientSecret: 'JIRA_CLIENT_SECRET' },
  tokenForms: [apiTokenForm('Jira', 'https://acme.atlassian.net/browse/EX-1')],
  hosts: ATLASSIAN_HOSTS,
  // Points by the hour, shared by all sites of an app, and buckets of each call whose sizes are not published. These keep a large import from
  // running into either at once. Source: https://developer.atlassian.com/cloud/jira/platform/rate-limiting/ (2026)
  pace: { integration: { perSecond: 10, burst: 50 }, app: { perSecond: 50, burst: 200 } },
  importChoices: ['attachments'],
  idleDays: IDLE_DAYS,
  manualRevokeUrl: MANUAL_REVOKE_URL,
  help: { consoleUrl: 'https://developer.atlassian.com/console/myapps/', guide: 'docs/jira.md' },
};

const product: TokenProduct = {
  ...jiraDefinition,
  platform: 'jira',
  cloud: { user: '/rest/api/3/myself', root: '', scope: 'read:jira-user' },
};

/**
 * Jira Cloud by its REST API v3: sites, projects, issues as documents, and their attachments. A Data Center has another API, and texts in
 * another language; it is not supported.
 * Errors: every method throws ProviderError only; `open` throws the signal's reason when it is aborted.
 */
export function createJira(config: AtlassianConfig): Provider {
  const client = createAtlassianClient(product);
  const { failures } = client;
  const sites = createSites(config, product, client);
  const issues = createIssues(client, sites);
  const projects = createProjects(client, sites);

  const siteOf = async ({ connection, cloudId }: Seat): Promise<Site> => ({
    cloudId,
    url: await sites.urlOf(connection, cloudId),
  });

  /** Whether projects are roots: the browser shows sites only where there are several. */
  const projectsAreRoots = async (connection: Connection): Promise<boolean> =>
    connection.site !== undefined || (await sites.list(connection)).length === 1;

  const roots = async (connection: Connection): Promise<Item[]> => {
    const found = connection.site ? [] : await sites.list(connection);
    if (found.length > 1) return found.map(toSiteItem);
    const seat = { connection, cloudId: found[0]?.cloudId };
    const site = await siteOf(seat);
    return (await projects.all(seat)).map((project) => toProjectItem(project, site, true));
  };

  const listProjects = async (seat: Seat, ref: string, cursor?: string): Promise<ItemPage> => {
    const mark = cursor === undefined ? '0' : (parseCursor(cursor, ref).marks[keyOf(seat.cloudId)] ?? '');
    if (!/^\d{1,9}$/.test(mark)) throw staleCursor();
    const site = await siteOf(seat);
    const { projects: found, next } = await projects.page(seat, Number(mark));
    return {
      items: found.map((project) => toProjectItem(project, site, false)),
      next: next === undefined ? undefined : formatCursor({ of: ref, marks: { [keyOf(seat.cloudId)]: String(next) } }),
    };
  };

  const projectItem = async (seat: Seat, id: string): Promise<Item> => {
    const isRoot = await projectsAreRoots(seat.connection);
    return toProjectItem(await projects.one(seat, id), await siteOf(seat), isRoot);
  };

  const listIssues = async (
    seat: Seat,
    ref: Extract<Ref, { kind: 'project' | 'query' }>,
    cursor: string | undefined,
    { forImport, pageSize = forImport ? MOST_ON_A_PAGE : PAGE_SIZE }: ListOptions,
  ): Promise<ItemPage> => {
    const of = formatRef(ref);
    const place = cursor === undefined ? undefined : parseCursor(cursor, of);
    const mark = place?.marks[keyOf(seat.cloudId)];
    // A number without quotation marks is an id and never a key or a name.
    const jql = ref.kind === 'query' ? ref.jql : `project = ${ref.id} ORDER BY created DESC`;
    const site = await siteOf(seat);
    const size = Math.min(place?.size ?? pageSize, MOST_ON_A_PAGE);
    const found = await issues.page(seat, { jql, full: forImport !== undefined, size, mark });
    const items = found.issues.flatMap((issue) => {
      const item = toIssueItem(issue, site);
      if (!forImport) return [item];
      const attachments = forImport.deep && forImport.attachments ? (issue.fields.attachment ?? []) : [];
      return [
        { ...item, hint: hintOf(issue, found.names) },
        ...attachments.map((from) => ({ ...toAttachmentItem(from, issue.id, site), between: [item.name] })),
      ];
    });
    const { next } = found;
    return {
      items,
      next:
        next === undefined ? undefined : formatCursor({ of, marks: { [keyOf(seat.cloudId)]: next }, size: found.size }),
      ...(forImport?.deep ? { deep: true } : {}),
    };
  };

  /** A place that is gone, or that this account lost access to, lists as empty or is not understood. */
  const listPlace = async (
    seat: Seat,
    ref: Extract<Ref, { kind: 'project' | 'query' }>,
    cursor: string | undefined,
    options: ListOptions,
  ): Promise<ItemPage> => {
    try {
      const page = await listIssues(seat, ref, cursor, options);
      if (ref.kind === 'project' && cursor === undefined && page.items.length === 0 && page.next === undefined)
        await projects.one(seat, ref.id);
      return page;
    } catch (error) {
      if (!isRefused(error)) throw error;
      if (ref.kind === 'query') throw notUnderstood();
      await projects.one(seat, ref.id);
      throw error;
    }
  };

  const listAttachments = async (seat: Seat, id: string, { forImport }: ListOptions): Promise<ItemPage> => {
    if (forImport && !forImport.attachments) return { items: [] };
    const [issue, site] = [await issues.one(seat, id), await siteOf(seat)];
    const items = (issue.fields.attachment ?? []).map((from) => toAttachmentItem(from, id, site));
    return { items };
  };

  const list: Provider['list'] = async (connection, text, cursor, options = {}) => {
    const ref = parseRef(text);
    const seat = { connection, cloudId: ref.cloudId };
    if (ref.kind === 'site') return listProjects(seat, text, cursor);
    if (ref.kind === 'issue') return listAttachments(seat, ref.id, options);
    if (ref.kind === 'attachment') throw gone();
    return listPlace(seat, ref, cursor, options);
  };

  const open = async (seat: Seat & { signal: AbortSignal }, ref: Ref, hint?: string): Promise<OpenedFile> => {
    const { connection, cloudId, signal } = seat;
    if (ref.kind === 'issue') {
      const { html, name, ...known } = fromHint(hint) ?? (await issues.read(seat, ref.id));
      return { ...known, name, stream: Readable.from([Buffer.from(html)]), mediaType: 'text/html' };
    }
    if (ref.kind !== 'attachment')
      throw new ProviderError('not_downloadable', 'jira', 'A project has no content of its own.');
    const from = attachmentFrom(hint, ref.id) ?? (await issues.attachment(seat, ref.id));
    const mediaType = typeOf(from);
    // By its number: the link that Jira gives names the site, where the token of a consent is not valid.
    const url = `${sites.baseOf(connection, cloudId)}/rest/api/3/attachment/content/${ref.id}`;
    const response = await client.download(connection, url, { scope: 'read:jira-work', signal });
    if (isPage(response) && !mediaType.includes('html')) {
      await response.body?.cancel();
      throw failures.notJson('a download');
    }
    return {
      stream: bodyStream(response.body, signal, failures.toProviderError),
      name: from.filename,
      mediaType,
      sizeBytes: from.size ?? undefined,
      version: ref.id,
    };
  };

  return {
    definition: jiraDefinition,
    auth: createAtlassianAuth(config, product, client),
    connectWithToken: createTokenConnect(config, product, failures),
    judge: judgeAtlassian,
    roots,

    list: async (connection, ref, ...asked) => ({ ...(await list(connection, ref, ...asked)), address: ref }),
    search: createSearch(issues, sites),
    changes: createJiraChanges(product, sites, issues),
    webhooks: createJiraWebhooks(config, client, sites),

    async get(connection, text) {
      const ref = parseRef(text);
      const seat = { connection, cloudId: ref.cloudId };
      if (ref.kind === 'site') {
        const site = (await sites.list(connection)).find(({ cloudId }) => cloudId === ref.cloudId);
        if (!site) throw gone();
        return toSiteItem(site);
      }
      if (ref.kind === 'project') return projectItem(seat, ref.id);
      const site = await siteOf(seat);
      if (ref.kind === 'issue') return toIssueItem(await issues.one(seat, ref.id), site);
      if (ref.kind === 'attachment') return toAttachmentItem(await issues.attachment(seat, ref.id), ref.issueId, site);
      return toQueryItem(ref.jql, await issues.count(seat, ref.jql), site);
    },

    async open(connection, text, { signal, hint }) {
      try {
        signal.throwIfAborted();
        const ref = parseRef(text);
        return await open({ connection, cloudId: ref.cloudId, signal }, ref, hint);
      } catch (error) {
        throw signal.aborted ? signal.reason : failures.toProviderError(error);
      }
    },
  };
}

/** What a listing said of an attachment; undefined where that is nothing of ours. */
function attachmentFrom(hint: string | undefined, id: string): Attachment | undefined {
  const known = hint === undefined ? undefined : parseJson(hint);
  return attachmentSchema.safeParse({ ...(known as object | undefined), id }).data;
}
