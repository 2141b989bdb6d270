import type { AtlassianClient } from '../atlassian/client.ts';
import type { Sites } from '../atlassian/sites.ts';
import type { ConfluenceApi, Seat } from './api.ts';
import { createCalls, to, V1, V2 } from './calls.ts';
import { createCloudPages, FEW, MOST, WITH_BODY } from './cloud-pages.ts';
import { createCloudTree } from './cloud-tree.ts';
import { schemas, toAttachment, toSpace } from './cloud-wire.ts';
import { gone } from './refs.ts';
import { isCurrent } from './v1-wire.ts';

const TRASHED = 25;
/** Source: https://developer.atlassian.com/cloud/confluence/rest/v2/api-group-space/ (2026). */
const SHARED_KINDS = ['global', 'collaboration', 'knowledge_base', 'system', 'onboarding', 'xflow_sample_space'];

/** Confluence Cloud by its REST API: version 2, and version 1 for what that leaves out: searches and downloads. */
export function createCloud(client: AtlassianClient, sites: Sites): ConfluenceApi {
  const baseOf = ({ connection, cloudId }: Seat): string => sites.baseOf(connection, cloudId);
  const calls = createCalls(client, baseOf, `/wiki${V1}/content/search`);
  const { read, page, find, comments, labels } = calls;
  const pages = createCloudPages(calls);

  const space: ConfluenceApi['space'] = async (seat, id) => {
    const call = { what: 'a space', schema: schemas.space, scope: 'read:space:confluence' };
    const found = await read(seat, `${V2}/spaces/${encodeURIComponent(id)}`, call);
    if (!isCurrent(found)) throw gone();
    return toSpace(found);
  };

  return {
    ...createCloudTree(calls, pages, space),
    byIds: (seat, kind, ids, withBodies) =>
      withBodies ? pages.byIds(seat, kind, ids, FEW, WITH_BODY) : pages.byIds(seat, kind, ids),
    content: pages.content,
    read: pages.read,
    space,
    find,
    comments,
    labels,

    sharedKinds: SHARED_KINDS,

    async spaces(seat, { kind, path }) {
      const first = to(`${V2}/spaces`, { status: 'current', sort: 'name', type: kind, limit: MOST });
      const call = { what: 'a list of spaces', schema: schemas.spaces, scope: 'read:space:confluence' };
      const { body, next } = await page(seat, first, { path }, call);
      return { results: body.results.filter(isCurrent).map((one) => toSpace(one, body._links)), next };
    },

    pages(seat, spaceId, from) {
      const query = { status: 'current', ...WITH_BODY, limit: from.limit };
      return pages.list(seat, 'page', to(`${V2}/spaces/${encodeURIComponent(spaceId)}/pages`, query), from);
    },

    async trashed(seat) {
      const first = to(`${V2}/pages`, { status: 'trashed', sort: '-modified-date', limit: TRASHED });
      const call = { what: 'the trash', schema: schemas.pages, scope: 'read:page:confluence' };
      const { body } = await page(seat, first, {}, call);
      return body.results.map(({ id }) => ({ kind: 'page', id }));
    },

    blog(seat, spaceId, { withBodies, ...from }) {
      const query = { 'space-id': spaceId, status: 'current', sort: '-created-date', limit: from.limit };
      const first = to(`${V2}/blogposts`, { ...query, ...(withBodies ? WITH_BODY : {}) });
      return pages.list(seat, 'blogpost', first, from);
    },

    async attachments(seat, { kind, id }, from) {
      const first = to(`${V2}/${kind}s/${id}/attachments`, { status: 'current', limit: from.limit });
      const call = { what: 'a list of attachments', schema: schemas.attachments, scope: 'read:attachment:confluence' };
      const { body, next } = await page(seat, first, from, call);
      const found = body.results.filter(isCurrent).map((one) => toAttachment(one, body._links));
      return { results: found.filter((one) => one !== undefined), next };
    },

    async attachment(seat, id) {
      const call = { what: 'an attachment', schema: schemas.attachment, scope: 'read:attachment:confluence' };
      const found = await read(seat, `${V2}/attachments/${id}`, call);
      const attachment = isCurrent(found) ? toAttachment(found) : undefined;
      if (!attachment) throw gone();
      return attachment;
    },

    async names(seat, ids) {
      const scope = 'read:user:confluence';
      const call = { what: 'names of people', schema: schemas.users, scope, post: { accountIds: ids } };
      const { results } = await read(seat, `${V2}/users-bulk`, call);
      const named = results.map((user): [string, string] => [
        user.accountId,
        user.displayName || user.publicName || '',
      ]);
      return new Map(named.filter(([, name]) => name !== ''));
    },

    download(seat, { id, container }) {
      // The link that Confluence gives leads to a page for people, which takes no tokens.
      const url = `${baseOf(seat)}/wiki${V1}/content/${container.id}/child/attachment/${id}/download`;
      return client.download(seat.connection, url, {
        scope: 'readonly:content.attachment:confluence',
        signal: seat.signal,
      });
    },
  };
}
