import { createSiteChanges, type Touched } from '../atlassian/site-changes.ts';
import type { Product } from '../atlassian/product.ts';
import type { Sites } from '../atlassian/sites.ts';
import type { Change, ChangeFeeds } from '../provider.ts';
import { hintOf, type Issues, type Seat } from './issues.ts';
import { formatRef, parseRef } from './refs.ts';
import { toAttachmentItem, toIssueItem, versionOf, type Issue } from './wire.ts';

/** With all fields, Jira answers with no more. */
const MOST_ON_A_PAGE = 100;

type TouchedIssue = Touched & { issue: Issue; names: Record<string, string> };

/**
 * What was changed at a Jira site, by a search that brings the issues whole. A comment or an attachment touches its issue, so that attachments
 * are told along with it. Nothing tells what came into a query, or left it: queries have no feed. An issue that moves keeps its number; it is
 * told as in its new project.
 */
export function createJiraChanges(product: Product, sites: Sites, issues: Issues): ChangeFeeds {
  return createSiteChanges<TouchedIssue>(product, sites, {
    siteOf(text) {
      const ref = parseRef(text);
      return ref.kind === 'query' ? null : ref;
    },

    async search(seat, since, mark) {
      // A number without quotation marks is an instant; dates are read in the account's time zone.
      const jql = `updated >= ${since.getTime()} ORDER BY updated ASC`;
      const found = await issues.page(seat, { jql, full: true, size: MOST_ON_A_PAGE, mark });
      return {
        found: found.issues.map((issue) => {
          const version = versionOf(issue);
          const changedAt = version === undefined ? undefined : new Date(version);
          return { mark: `${issue.id} ${version}`, changedAt, issue, names: found.names };
        }),
        next: found.next,
      };
    },

    async tell(seat, news) {
      const url = await sites.urlOf(seat.connection, seat.cloudId);
      return news.flatMap((one) => changesOf(seat, one, url));
    },
  });
}

function changesOf({ cloudId }: Seat, { issue, names }: TouchedIssue, url: string): Change[] {
  const site = { cloudId, url };
  const { project, attachment } = issue.fields;
  const item = { ...toIssueItem(issue, site), hint: hintOf(issue, names) };
  const within = [formatRef({ kind: 'project', cloudId, id: project.id }), formatRef({ kind: 'site', cloudId })];
  const between = project.name ? [project.name] : [];
  return [
    { kind: 'present', item: { ...item, between }, within },
    ...(attachment ?? []).map((from): Change => {
      const file = { ...toAttachmentItem(from, issue.id, site), between: [...between, item.name] };
      return { kind: 'present', item: file, within: [item.ref, ...within], hangs: true };
    }),
  ];
}
