import type { AtlassianSite } from '../atlassian/sandbox-world.ts';
import { createChangeLog } from '../sandbox/change-log.ts';
import type { JiraComment, JiraIssue, JiraState } from './sandbox-state.ts';

/** What happened to an issue, in the words of webhooks; `more` is told beside the issue. */
export type News = { event: string; issue: JiraIssue; more?: Record<string, unknown> };

/** What happens at a site from now on, by comparison: its issues may be changed in any way. */
export function createSiteNews(jira: JiraState, site: AtlassianSite): { position: () => number; take: () => News[] } {
  const log = createChangeLog(
    () => new Map(jira.issues.map((issue) => [issue.id, issue])),
    ({ key, updated, summary, status, comments }) =>
      JSON.stringify([key, updated, summary, status, comments.map((comment) => [comment.id, comment.updated])]),
  );
  let taken = log.position();
  /** When each comment of an issue was last changed, as it was told before. */
  const known = new Map(jira.issues.map((issue) => [issue.id, stampsOf(issue)]));

  const newsOf = (issue: JiraIssue, gone: boolean): News[] => {
    const before = known.get(issue.id);
    if (gone) {
      known.delete(issue.id);
      return [{ event: 'jira:issue_deleted', issue }];
    }
    const now = stampsOf(issue);
    known.set(issue.id, now);
    if (!before) return [{ event: 'jira:issue_created', issue }];
    const told = (event: string, comment: Pick<JiraComment, 'id'>): News => {
      const self = `${site.url}/rest/api/2/issue/${issue.id}/comment/${comment.id}`;
      return { event, issue, more: { comment: { self, id: comment.id } } };
    };
    const comments = [
      ...issue.comments.flatMap((comment) => {
        const stamp = before.get(comment.id);
        if (stamp === undefined) return [told('comment_created', comment)];
        return stamp === now.get(comment.id) ? [] : [told('comment_updated', comment)];
      }),
      ...[...before.keys()].filter((id) => !now.has(id)).map((id) => told('comment_deleted', { id })),
    ];
    return comments.length > 0 ? comments : [{ event: 'jira:issue_updated', issue }];
  };

  return {
    position: () => log.position(),
    take() {
      const page = log.since(taken, Infinity);
      taken = page?.position ?? taken;
      return (page?.entries ?? []).flatMap(({ value, gone }) => newsOf(value, gone));
    },
  };
}

const stampsOf = ({ comments }: JiraIssue): Map<string, number> =>
  new Map(comments.map(({ id, updated }) => [id, updated.getTime()]));
