import { randomUUID } from 'node:crypto';
import express, { type Request, type RequestHandler, type Router } from 'express';
import { SignJWT } from 'jose';
import { z } from 'zod';
import type { AtlassianPerson, AtlassianSite, AtlassianWorld, Caller } from '../atlassian/sandbox-world.ts';
import { mayBeCalled, type Bell } from '../sandbox/bell.ts';
import { createSiteNews, type News } from './sandbox-news.ts';
import { compileJql } from './sandbox-jql-match.ts';
import { parseJql, type Clause } from './sandbox-jql.ts';
import { badRequest, Refusal, sendRefusal } from './sandbox-refusal.ts';
import { bodyOf, number } from './sandbox-requests.ts';
import { viewOf, type JiraIssue, type JiraState } from './sandbox-state.ts';

/** Source: https://developer.atlassian.com/cloud/jira/platform/webhooks/ (2026). */
const LIFE_MS = 30 * 24 * 3_600_000;
const MOST_FOR_ONE = 5;
const FIRST_ID = 1000;
const USUAL_PAGE = 50;
const MOST_ON_A_PAGE = 100;
const EVENTS = new Set(
  (
    'jira:issue_created jira:issue_updated jira:issue_deleted comment_created comment_updated comment_deleted ' +
    'issue_property_set issue_property_deleted'
  ).split(' '),
);
/** All of JQL that filters of webhooks may hold. */
const FIELDS = new Set(['issuekey', 'key', 'project', 'issuetype', 'status', 'assignee', 'reporter']);
const OPERATORS = new Set(['=', '!=', 'in', 'not in']);

const texts = z.array(z.string());
const registered = z.strictObject({
  url: z.string(),
  webhooks: z
    .array(
      z.strictObject({
        jqlFilter: z.string(),
        events: texts,
        fieldIdsFilter: texts.optional(),
        issuePropertyKeysFilter: texts.optional(),
      }),
    )
    .min(1),
});
const named = z.strictObject({ webhookIds: z.array(z.int()).min(1) });

/** A standing order to call; tests may change when it ends. */
export type SandboxWebhook = {
  id: number;
  cloudId: string;
  /** Account id of whoever the app acted for. */
  accountId: string;
  url: string;
  jqlFilter: string;
  events: string[];
  expiresAt: number;
};

/**
 * Dynamic webhooks, for apps that people have consented to: one address for an app, five webhooks for a person at a site, each for 30 days.
 * `all` are those of every site.
 */
export function createJiraWebhooks(deps: { callerOf: AtlassianWorld['callerOf']; bell: Bell; clientSecret: string }): {
  router: Router;
  all: SandboxWebhook[];
} {
  const { bell } = deps;
  const all: SandboxWebhook[] = [];
  const lastIds = new Map<string, number>();
  const watched = new Set<string>();

  const liveAt = ({ cloudId }: AtlassianSite): SandboxWebhook[] =>
    all.filter((hook) => hook.cloudId === cloudId && hook.expiresAt > Date.now());

  const callerOf = (req: Request): Caller & { site: AtlassianSite & { jira: JiraState }; person: AtlassianPerson } => {
    const caller = deps.callerOf(req);
    const { site, person } = caller;
    if (!caller.isApp || !person || !site.jira)
      throw new Refusal(403, 'Only Connect and OAuth 2.0 apps can use this operation.');
    // Both are needed.
    caller.requireScope('read:jira-work');
    caller.requireScope('manage:jira-webhook');
    return { ...caller, site: { ...site, jira: site.jira }, person };
  };
  const ownOf = (req: Request): SandboxWebhook[] => {
    const { site, person } = callerOf(req);
    return liveAt(site).filter(({ accountId }) => accountId === person.accountId);
  };

  const tell = async (site: AtlassianSite, { event, issue, more }: News): Promise<void> => {
    const hooks = liveAt(site).filter((hook) => hook.events.includes(event) && matches(hook, site, issue));
    const { url } = hooks[0] ?? {};
    if (url === undefined) return;
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuedAt()
      .setExpirationTime('3m')
      .sign(new TextEncoder().encode(deps.clientSecret));
    await bell.call(url, {
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'Atlassian Webhook HTTP Client',
        authorization: `Bearer ${token}`,
        'x-atlassian-webhook-identifier': randomUUID(),
        'x-atlassian-webhook-flow': 'Primary',
      },
      body: JSON.stringify({
        timestamp: Date.now(),
        webhookEvent: event,
        issue: {
          id: issue.id,
          self: `${site.url}/rest/api/2/issue/${issue.id}`,
          key: issue.key,
          fields: { summary: issue.summary },
        },
        ...more,
        matchedWebhookIds: hooks.map(({ id }) => id),
      }),
    });
  };

  const watch = (site: AtlassianSite, jira: JiraState): void => {
    if (watched.has(site.cloudId)) return;
    watched.add(site.cloudId);
    const news = createSiteNews(jira, site);
    const stop = bell.watch(news.position, async () => {
      const told = news.take();
      if (liveAt(site).length > 0) return Promise.all(told.map((one) => tell(site, one)));
      watched.delete(site.cloudId);
      stop();
    });
  };

  const register: RequestHandler = (req, res) => {
    const { site, person } = callerOf(req);
    const { url, webhooks } = bodyOf(req, registered);
    if (!mayBeCalled(url)) throw badRequest('The webhook URL must be a valid https URL.');
    const results = webhooks.map(({ jqlFilter, events }) => {
      const errors = faultsOf({ url, jqlFilter, events }, { site, others: liveAt(site), person });
      if (errors.length > 0) return { errors };
      const id = (lastIds.get(site.cloudId) ?? FIRST_ID - 1) + 1;
      lastIds.set(site.cloudId, id);
      const { cloudId } = site;
      all.push({ id, cloudId, accountId: person.accountId, url, jqlFilter, events, expiresAt: Date.now() + LIFE_MS });
      watch(site, site.jira);
      return { createdWebhookId: id };
    });
    res.json({ webhookRegistrationResult: results });
  };

  const list: RequestHandler = (req, res) => {
    const hooks = ownOf(req);
    const startAt = Math.max(number(req, 'startAt') ?? 0, 0);
    const maxResults = Math.min(number(req, 'maxResults') ?? USUAL_PAGE, MOST_ON_A_PAGE);
    const values = hooks.slice(startAt, startAt + maxResults).map(({ id, url, jqlFilter, events, expiresAt }) => ({
      id,
      url,
      jqlFilter,
      events,
      expirationDate: new Date(expiresAt).toISOString().replace('Z', '+0000'),
    }));
    res.json({ maxResults, startAt, total: hooks.length, isLast: startAt + maxResults >= hooks.length, values });
  };

  /** Ids that it does not know are passed over without a word. */
  const refresh: RequestHandler = (req, res) => {
    const hooks = ownOf(req);
    const { webhookIds } = bodyOf(req, named);
    const expirationDate = Date.now() + LIFE_MS;
    for (const hook of hooks) if (webhookIds.includes(hook.id)) hook.expiresAt = expirationDate;
    res.json({ expirationDate });
  };

  const remove: RequestHandler = (req, res) => {
    const hooks = ownOf(req);
    const { webhookIds } = bodyOf(req, named);
    for (const hook of hooks) if (webhookIds.includes(hook.id)) all.splice(all.indexOf(hook), 1);
    res.status(202).end();
  };

  const router = express.Router();
  router.use('/webhook', express.json());
  router.route('/webhook').post(register).get(list).delete(remove);
  router.put('/webhook/refresh', refresh);
  router.use((error: unknown, _req: Request, res: express.Response, next: (error: unknown) => void) => {
    if (error instanceof Refusal) sendRefusal(res, error);
    else next(error);
  });
  return { router, all };
}

/** Whether its person may see the issue, and the filter finds it. */
function matches({ accountId, jqlFilter }: SandboxWebhook, { jira }: AtlassianSite, issue: JiraIssue): boolean {
  const person = jira?.people.find((one) => one.accountId === accountId);
  if (!jira || !person || !(issue.project.members?.includes(accountId) ?? true)) return false;
  return compileJql(parseJql(jqlFilter), viewOf(jira, person)).matches(issue);
}

function faultsOf(
  { url, jqlFilter, events }: Pick<SandboxWebhook, 'url' | 'jqlFilter' | 'events'>,
  at: { site: AtlassianSite & { jira: JiraState }; others: SandboxWebhook[]; person: AtlassianPerson },
): string[] {
  const [other] = at.others.filter((hook) => hook.url !== url);
  if (other) return ['Only a single URL per app is allowed to be registered.'];
  if (at.others.filter(({ accountId }) => accountId === at.person.accountId).length >= MOST_FOR_ONE)
    return [`A maximum of ${MOST_FOR_ONE} webhooks can be registered for a user.`];
  const unknown = events.filter((event) => !EVENTS.has(event));
  if (events.length === 0 || unknown.length > 0) return [`Invalid events: ${unknown.join(', ')}`];
  try {
    const { where } = parseJql(jqlFilter);
    if (!where) return ['The JQL filter must not be empty.'];
    const faults = unsupportedIn(where);
    if (faults.length === 0) compileJql({ where, orderBy: [] }, viewOf(at.site.jira, at.person));
    return faults;
  } catch (error) {
    if (error instanceof Refusal) return error.messages;
    throw error;
  }
}

function unsupportedIn(clause: Clause): string[] {
  if ('clauses' in clause) return clause.clauses.flatMap(unsupportedIn);
  if (!FIELDS.has(clause.field.toLowerCase())) return [`The clause ${clause.field} is unsupported`];
  return OPERATORS.has(clause.operator) ? [] : [`Operator ${clause.operator} is unsupported`];
}
