import { parse } from 'node:querystring';
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

/** Connects a Google account of the stand-in for the user, through the services and the consent page. */
export async function connectGoogle(hub: TestHub, user: User, email?: string): Promise<Integration> {
  const sessionId = `session of ${user.id}`;
  const { url } = await hub.context.grants.start(user, 'google_drive', { sessionId });
  const back = await consent(url, 'Allow', { email });
  const query = parse(back.search.slice(1)) as { state?: string; code?: string };
  return hub.context.grants.finish(user, 'google_drive', { sessionId, query });
}
