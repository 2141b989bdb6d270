import type { Integration } from '../../server/services/integration-service.ts';
import type { User } from '../../server/services/user-service.ts';
import type { TestHub } from './hub.ts';

/**
 * Connects Google Drive as a person would, without a browser: the consent page's own form is filled in and sent.
 * `account` is the e-mail address to choose; the first one by default.
 */
export async function connectGoogle(
  hub: TestHub,
  user: User,
  options: { sessionId?: string; account?: string; integrationId?: string } = {},
): Promise<Integration> {
  const sessionId = options.sessionId ?? 'session of this test';
  const { url } = await hub.context.integrations.start(user, 'google_drive', {
    sessionId,
    integrationId: options.integrationId,
  });
  const callback = await consent(url, 'Allow', options.account);
  return hub.context.integrations.finish(user, 'google_drive', {
    sessionId,
    query: {
      state: callback.searchParams.get('state') ?? undefined,
      code: callback.searchParams.get('code') ?? undefined,
      error: callback.searchParams.get('error') ?? undefined,
    },
  });
}

/** Answers the stand-in's consent page and gives the address it sends the browser back to. */
export async function consent(url: string, button: 'Allow' | 'Deny', account?: string): Promise<URL> {
  const html = await (await fetch(url)).text();
  const form = new URLSearchParams();
  for (const [tag] of html.matchAll(/<input\b[^>]*>/g)) {
    const [name, value, type] = [attribute(tag, 'name'), attribute(tag, 'value'), attribute(tag, 'type')];
    if (!name || value === undefined) continue;
    if (type === 'radio') {
      const label = html.slice(html.indexOf(tag)).split('</label>')[0] ?? '';
      const wanted = account ? label.includes(account) || value === account : /\schecked/.test(tag) || !form.has(name);
      if (wanted) form.set(name, value);
    } else if (type !== 'checkbox' || /\schecked/.test(tag)) form.append(name, value);
  }
  const pressed = [...html.matchAll(/<button\b([^>]*)>([^<]*)/g)].find(([, , text]) => text?.trim().startsWith(button));
  if (!pressed) throw new Error(`the consent page has no button ${button}: ${html.slice(0, 500)}`);
  const name = attribute(pressed[1] ?? '', 'name');
  if (name) form.set(name, attribute(pressed[1] ?? '', 'value') ?? '');
  const action = /<form\b[^>]*\baction="([^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? url;
  const answer = await fetch(new URL(action, url), { method: 'POST', body: form, redirect: 'manual' });
  const location = answer.headers.get('location');
  if (!location)
    throw new Error(`the consent page did not redirect but answered ${answer.status}: ${await answer.text()}`);
  return new URL(location);
}

function attribute(tag: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&').replaceAll('&quot;', '"');
}
