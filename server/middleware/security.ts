import type { RequestHandler, Response } from 'express';
import helmet from 'helmet';
import type { Config } from '../config.ts';

/**
 * Security headers. The content policy allows only our own files: no inline script or style anywhere. Forms may end at the vendors'
 * consent pages, because browsers apply `form-action` to the redirect that answers a form too.
 */
export function securityHeaders(config: Config): RequestHandler {
  const secure = config.baseUrl.startsWith('https:');
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        fontSrc: ["'self'"],
        manifestSrc: ["'self'"],
        formAction: ["'self'", ...consentOrigins(config)],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
        ...(secure ? { upgradeInsecureRequests: [] } : {}),
      },
    },
    strictTransportSecurity: secure ? undefined : false,
    referrerPolicy: { policy: 'same-origin' },
    crossOriginEmbedderPolicy: false,
  });
}

/**
 * Has the browser drop the pages that it kept to go back to, and what they remembered. To be called where a session ends.
 * Source: https://www.w3.org/TR/clear-site-data/
 */
export const forgetPages = (res: Response): void => void res.set('Clear-Site-Data', '"cache", "storage"');

const consentOrigins = ({ google, microsoft, dropbox, confluence, jira }: Config): string[] => {
  const pages = [google.authUrl, microsoft.authorityUrl, dropbox.authUrl, confluence.authUrl, jira.authUrl];
  const origins = pages.map((url) => new URL(url).origin);
  // Whoever is not signed in at Atlassian is redirected on, and browsers apply the policy to that redirect as well.
  if (origins.includes('https://auth.atlassian.com')) origins.push('https://id.atlassian.com');
  return [...new Set(origins)];
};
