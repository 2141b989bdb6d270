import { isRecord } from '../json.ts';
import { parseUrl } from '../urls.ts';

/**
 * Where the next page of a list is, as a path below `base`; undefined after the last. Links are made for the site and not for the gateway:
 * they lack the gateway's prefix, and older calls also leave out the `context` named beside them. `elsewhere`: the link leaves `base`, or
 * leads back to the page it stands on.
 */
export function nextPath(answer: {
  base: string;
  path: string;
  /** `_links` of the body. */
  links: unknown;
  /** The `Link` header. */
  link: string | null;
}): { path: string } | 'elsewhere' | undefined {
  const links = isRecord(answer.links) ? answer.links : {};
  const next = typeof links.next === 'string' ? links.next : relNext(answer.link);
  if (next === undefined) return undefined;
  const context = typeof links.context === 'string' ? links.context : '';
  const path = pathBelow(answer.base, next, context);
  return path === undefined || path === answer.path ? 'elsewhere' : { path };
}

/**
 * The path below `base` that a link of the vendor, or what was kept of one, leads to; undefined where that is elsewhere. `context` stands in
 * front of links that lack it.
 */
export function pathBelow(base: string, link: string, context = ''): string | undefined {
  const { origin, pathname } = new URL(base);
  const prefix = pathname.replace(/\/$/, '');
  const lacksContext = !link.startsWith(`${context}/`) && !prefix.endsWith(context);
  const whole = link.startsWith(`${prefix}/`) && prefix !== '' ? link : prefix + (lacksContext ? context : '') + link;
  const url = parseUrl(/^\/(?!\/)/.test(link) ? origin + whole : link);
  if (url?.origin !== origin || !url.pathname.startsWith(`${prefix}/`) || url.username || url.password)
    return undefined;
  return url.pathname.slice(prefix.length) + url.search;
}

/** Source: https://www.rfc-editor.org/rfc/rfc8288#section-3 */
function relNext(header: string | null): string | undefined {
  for (const [, target, parameters] of (header ?? '').matchAll(/<([^>]*)>((?:\s*;[^,<]*)*)/g))
    if (/;\s*rel\s*=\s*"?next"?/i.test(parameters ?? '')) return target;
  return undefined;
}
