import { isIP } from 'node:net';
import { TypedError } from '../errors.ts';
import { parseUrl } from '../urls.ts';

const FIELD = 'baseUrl';
/** Atlassian's own addresses, which people copy instead of their site's. */
const NO_SITES = /(^|\.)atlassian\.com$|^atlassian\.net$/;

/**
 * The origin of a Cloud site, by whatever address of it was pasted: with or without scheme, of a page, of an issue.
 * Errors: TypedError.
 */
export function cloudOrigin(typed: string): string {
  const url = siteUrl(typed, 'https://acme.atlassian.net');
  // Cloud speaks https only; an old bookmark may say otherwise.
  if (url.hostname.endsWith('.atlassian.net')) url.protocol = 'https:';
  return url.origin;
}

/**
 * The root of a Data Center by any address in it, ending in no slash. `pages` are the first parts of its pages' paths: what stands before
 * one is the path that the server was installed under. Errors: TypedError.
 */
export function serverRoot(typed: string, pages: string[]): string {
  const url = siteUrl(typed, 'https://wiki.example.com');
  if (url.hostname.endsWith('.atlassian.net'))
    throw new TypedError(FIELD, 'This is a site of Atlassian Cloud: connect it with an API token instead.');
  const parts = url.pathname.split('/').filter(Boolean);
  const end = parts.findIndex((part) => pages.includes(part.toLowerCase()) || /\.(action|jspa?)$/i.test(part));
  return [url.origin, ...(end === -1 ? parts : parts.slice(0, end))].join('/');
}

function siteUrl(typed: string, example: string): URL {
  const text = typed.trim();
  const url = parseUrl(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`);
  const isHost =
    url && (url.hostname.includes('.') || url.hostname === 'localhost' || isIP(url.hostname) !== 0 || url.port);
  if (!url || !isHost || !/^https?:$/.test(url.protocol))
    throw new TypedError(FIELD, `Enter the address of your site, such as ${example}.`);
  if (url.username || url.password)
    throw new TypedError(FIELD, 'Leave the user name and the password out of the address.');
  if (NO_SITES.test(url.hostname))
    throw new TypedError(FIELD, `This is an address of Atlassian itself. Enter that of your site, such as ${example}.`);
  return url;
}
