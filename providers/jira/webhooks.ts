import { jwtVerify } from 'jose';
import { z } from 'zod';
import type { AtlassianConfig } from '../../server/config.ts';
import type { AtlassianClient } from '../atlassian/client.ts';
import type { Sites } from '../atlassian/sites.ts';
import { ProviderError } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { Connection, StandingWatch, WebhookCall, Webhooks } from '../provider.ts';
import { parseUrl } from '../urls.ts';

/** The permission that people give for it; a grant without it is good for all the rest. */
export const WEBHOOK_SCOPE = 'manage:jira-webhook';

/** Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-webhooks/ (2026). */
const EVENTS = [
  'jira:issue_created',
  'jira:issue_updated',
  'jira:issue_deleted',
  'comment_created',
  'comment_updated',
  'comment_deleted',
];
/**
 * All issues of a site. Jira takes no empty filter, and of JQL little more than `=`, `!=`, `IN` and `NOT IN`: it was seen to take this one.
 * Source: https://github.com/ShipfoxHQ/shipfox/pull/1272 (2026).
 */
const EVERYTHING = 'project != null';
const LIFE_MS = 30 * 24 * 3_600_000;
const MOST_ON_A_PAGE = 100;
const CLOCK_SKEW_S = 60;

const id = z.union([z.int(), z.string().regex(/^\d{1,20}$/)]).transform(String);
/** Milliseconds in some answers, text in others. */
const instant = z
  .union([z.number(), z.string()])
  .nullish()
  .transform((value) => {
    const at = new Date(typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : (value ?? ''));
    return Number.isNaN(at.getTime()) ? undefined : at;
  });
const registration = z.object({
  webhookRegistrationResult: z.array(
    z.object({ createdWebhookId: id.nullish(), errors: z.array(z.string()).nullish() }),
  ),
});
const refreshed = z.object({ expirationDate: instant });
const page = z.object({
  values: z.array(z.object({ id, url: z.string().nullish(), expirationDate: instant })),
  isLast: z.boolean().nullish(),
});
const thing = z.object({ self: z.string().nullish() }).nullish();
const delivery = z.object({ matchedWebhookIds: z.array(id).nullish(), issue: thing, comment: thing });

/**
 * Jira's dynamic webhooks: one for each site that a grant by consent reaches, all of them at the app's one address. They end after 30 days
 * unless they are refreshed. Calls are signed with the app's secret, which says who sends and nothing of the text.
 * Source: https://developer.atlassian.com/cloud/jira/platform/webhooks/ (2026).
 */
export function createJiraWebhooks(config: AtlassianConfig, client: AtlassianClient, sites: Sites): Webhooks {
  const { failures } = client;

  const send = (
    connection: Connection,
    cloudId: string,
    call: { what: string; path?: string; method: 'POST' | 'PUT' | 'DELETE'; body: unknown },
  ): Promise<unknown> => {
    const { path = '', ...asked } = call;
    return client.send(connection, `${hooksAt(connection, cloudId)}${path}`, { ...asked, scope: WEBHOOK_SCOPE });
  };
  const hooksAt = (connection: Connection, cloudId: string): string =>
    `${sites.baseOf(connection, cloudId)}/rest/api/3/webhook`;

  const register = async (connection: Connection, cloudId: string, url: string) => {
    const what = 'the registration of a webhook';
    const body = { url, webhooks: [{ jqlFilter: EVERYTHING, events: EVENTS }] };
    const answer = failures.parse(registration, await send(connection, cloudId, { what, method: 'POST', body }), what);
    // Jira answers 200 also where it has registered nothing.
    const [result] = answer.webhookRegistrationResult;
    if (result?.createdWebhookId) return { webhookId: result.createdWebhookId };
    if (!result?.errors?.length) throw failures.badResponse(what, 'createdWebhookId');
    return { errors: result.errors };
  };

  const list = async (connection: Connection, cloudId: string): Promise<z.infer<typeof page>['values']> => {
    const found: z.infer<typeof page>['values'] = [];
    for (;;) {
      const query = `startAt=${found.length}&maxResults=${MOST_ON_A_PAGE}`;
      const { values, isLast } = await client.read(connection, `${hooksAt(connection, cloudId)}?${query}`, {
        what: 'the list of webhooks',
        schema: page,
        scope: WEBHOOK_SCOPE,
      });
      found.push(...values);
      if (isLast === true || values.length === 0) return found;
    }
  };

  const remove = async (connection: Connection, cloudId: string, ids: string[]): Promise<void> => {
    const body = { webhookIds: ids.map(Number) };
    await send(connection, cloudId, { what: 'the end of a webhook', method: 'DELETE', body });
  };

  /** Ends what was registered while the hub had another address: Jira lets an app have one. False where there is nothing like that. */
  const removeFormer = async (connection: Connection, cloudId: string, address: string): Promise<boolean> => {
    const path = parseUrl(address)?.pathname;
    const isFormer = (url: string): boolean => url !== address && parseUrl(url)?.pathname === path;
    const former = (await list(connection, cloudId)).filter(({ url }) => url && isFormer(url));
    if (former.length === 0) return false;
    await remove(
      connection,
      cloudId,
      former.map((hook) => hook.id),
    );
    return true;
  };

  return {
    address: 'app',

    async watch(connection, feed, { address }) {
      // Only apps have webhooks, and an API token is no app's.
      if (connection.site) return undefined;
      const site = await sites.urlOf(connection, feed);
      let made = await register(connection, feed, address);
      if (made.errors?.some(isOfOtherAddress) && (await removeFormer(connection, feed, address)))
        made = await register(connection, feed, address);
      if (made.errors) throw refusedWith(made.errors);
      return { id: formatId(feed, made.webhookId), data: { site }, expiresAt: new Date(Date.now() + LIFE_MS) };
    },

    async prolong(connection, watch) {
      const { cloudId, webhookId } = parseId(watch.id);
      const body = { webhookIds: [Number(webhookId)] };
      const what = 'the refresh of a webhook';
      const answer = await send(connection, cloudId, { what, path: '/refresh', method: 'PUT', body });
      // An id that Jira does not know is refreshed without a word.
      const found = (await list(connection, cloudId)).find((hook) => hook.id === webhookId);
      if (!found) return undefined;
      const until = refreshed.safeParse(answer).data?.expirationDate ?? found.expirationDate;
      return { id: watch.id, data: watch.data, expiresAt: until ?? new Date(Date.now() + LIFE_MS) };
    },

    async unwatch(connection, watch) {
      const { cloudId, webhookId } = parseId(watch.id);
      try {
        // An id that Jira does not know is passed over.
        await remove(connection, cloudId, [webhookId]);
      } catch (error) {
        if (!(error instanceof ProviderError && error.kind === 'gone')) throw error;
      }
    },

    async receive({ method, headers, body }, watches) {
      if (method !== 'POST' || !(await isSigned(headers, config))) return { kind: 'refused' };
      const said = delivery.safeParse(parseJson(body.toString())).data;
      if (!said) return { kind: 'refused' };
      const ids = said.matchedWebhookIds ?? [];
      const site = parseUrl(said.issue?.self ?? said.comment?.self ?? '')?.origin;
      const identifier = headers['x-atlassian-webhook-identifier'];
      return {
        kind: 'news',
        watches: matched(ids, site, watches).map((watch) => watch.id),
        // Of one site only.
        once: identifier && [site, identifier, ...ids].join(' '),
      };
    },
  };
}

/** Webhooks go by number, which are those of other sites as well. */
const formatId = (cloudId: string, webhookId: string): string => `${cloudId}/${webhookId}`;
function parseId(text: string): { cloudId: string; webhookId: string } {
  const [cloudId = '', webhookId = ''] = text.split('/');
  return { cloudId, webhookId };
}

/** Those of the site that the call names; of all sites where it names none that is known. */
function matched(ids: string[], site: string | undefined, watches: StandingWatch[]): StandingWatch[] {
  const named = watches.filter((watch) => ids.includes(parseId(watch.id).webhookId));
  const ofSite = named.filter(({ data }) => site !== undefined && parseUrl(data?.site ?? '')?.origin === site);
  return ofSite.length > 0 ? ofSite : named;
}

/** Which claims there are is not documented: beside the signature only the times are looked at, where they are told. */
async function isSigned(
  { authorization }: WebhookCall['headers'],
  { clientSecret }: AtlassianConfig,
): Promise<boolean> {
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined || !clientSecret) return false;
  try {
    const secret = new TextEncoder().encode(clientSecret.reveal());
    await jwtVerify(token, secret, { algorithms: ['HS256'], clockTolerance: CLOCK_SKEW_S });
    return true;
  } catch {
    return false;
  }
}

const isOfOtherAddress = (error: string): boolean => /single URL/i.test(error);

/** Jira's own words say what to do: the number of webhooks is limited, and so are addresses. */
function refusedWith(errors: string[]): ProviderError {
  const words = errors.join(' ').replace(/\s+/g, ' ').trim().slice(0, 300);
  return new ProviderError('denied', 'jira', `Jira does not take the order to call the hub: ${words}`);
}
