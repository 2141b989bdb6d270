import { parse } from 'node:querystring';
import type { Platform } from '../../providers/provider.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import type { User } from '../../server/services/user-service.ts';
import type { TestHub } from './hub.ts';

/**
 * Goes through the consent page as a person would: reads its form, chooses the account by its e-mail address (else the one that is
 * proposed) and presses the button. Gives the address the vendor sends the browser back to.
 */
export async function consent(
  url: string,
  answer: 'Allow' | 'Deny',
  options: { email?: string; untick?: RegExp } = {},
): Promise<URL> {
  const page = await fetch(url, { redirect: 'manual' });
  const html = await page.text();
  if (page.status !== 200) throw new Error(`the consent page answered ${page.status}: ${html.slice(0, 300)}`);
  const fields = new URLSearchParams();
  for (const part of html.split(/(?=<input)/).slice(1)) {
    const tag = part.slice(0, part.indexOf('>'));
    const attribute = (name: string) => unescapeHtml(new RegExp(`${name}="([^"]*)"`).exec(tag)?.[1] ?? '');
    const label = part.slice(0, part.indexOf('</label>') + 1);
    const ticked = / checked\b/.test(tag);
    const type = attribute('type');
    if (type === 'radio' && !(options.email === undefined ? ticked : label.includes(options.email))) continue;
    if (type === 'checkbox' && (!ticked || options.untick?.test(label))) continue;
    fields.append(attribute('name'), attribute('value'));
  }
  const button = [...html.matchAll(/<button([^>]*)>([^<]*)<\/button>/g)].find(([, , text]) => text?.trim() === answer);
  if (!button) throw new Error(`the consent page has no button “${answer}”`);
  const attributes = button[1] ?? '';
  fields.set(/name="([^"]*)"/.exec(attributes)?.[1] ?? '', /value="([^"]*)"/.exec(attributes)?.[1] ?? '');
  const sent = await fetch(url, { method: 'POST', body: fields, redirect: 'manual' });
  const location = sent.headers.get('location');
  if (!location) throw new Error(`the consent page answered ${sent.status} without sending the browser back`);
  return new URL(location, url);
}

const unescapeHtml = (text: string): string =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');

export type Leg = { url: string; back: URL; query: { state?: string; code?: string } };

/** Goes to the consent page and back, without ending the grant. */
export async function beginGrant(
  hub: TestHub,
  user: User,
  platform: Platform,
  options: { email?: string; integrationId?: string; sessionId?: string } = {},
): Promise<Leg> {
  const { email, integrationId, sessionId = `session of ${user.id}` } = options;
  const { url } = await hub.context.grants.start(user, platform, { sessionId, integrationId });
  const back = await consent(url, 'Allow', { email });
  return { url, back, query: parse(back.search.slice(1)) as Leg['query'] };
}

/** Ends a grant as the callback does. */
export const endGrant = (
  hub: TestHub,
  user: User,
  platform: Platform,
  query: { state?: string; code?: string; error?: string },
): Promise<Integration> => hub.context.grants.finish(user, platform, { sessionId: `session of ${user.id}`, query });

/** Connects an account of a stand-in for the user, through the services and the consent page. */
export async function connectAccountOf(
  hub: TestHub,
  user: User,
  platform: Platform,
  options: { email?: string; integrationId?: string } = {},
): Promise<Integration> {
  const { query } = await beginGrant(hub, user, platform, options);
  return endGrant(hub, user, platform, query);
}

export const connectGoogle = (hub: TestHub, user: User, email?: string): Promise<Integration> =>
  connectAccountOf(hub, user, 'google_drive', { email });
