import { listen } from '../../providers/sandbox/stand-in.ts';
import type { Env } from '../../server/config.ts';

/** A site at a vendor that people connect with tokens, as small as can be: it says whose a token is, and has nothing in it. */
export type TokenSite = {
  url: string;
  /** Whose each `Authorization` header is; all others are answered with 401. */
  owners: Map<string, { accountId: string; email?: string; displayName?: string }>;
  /** What was asked of it, in order. */
  requests: { path: string; authorization?: string }[];
  /** While true, nothing is answered. */
  silent: boolean;
  close(): Promise<void>;
};

/** Lets a hub reach such sites. */
export const SITES_ENV: Env = { EGRESS_ALLOWED_HOSTS: '127.0.0.1' };

export const basic = (user: string, token: string): string =>
  `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`;

/** Starts one on loopback. */
export async function startTokenSite(): Promise<TokenSite> {
  const site: Omit<TokenSite, 'url' | 'close'> = { owners: new Map(), requests: [], silent: false };
  const { url, close } = await listen((req, res) => {
    const { authorization } = req.headers;
    const path = (req.url ?? '').split('?')[0] ?? '';
    site.requests.push({ path, authorization });
    if (site.silent) return;
    const owner = site.owners.get(authorization ?? '');
    const [status, body] = path.startsWith('/_edge/')
      ? [404, {}]
      : owner
        ? [200, /\/(myself|current)$/.test(path) ? { type: 'known', ...owner } : { results: [], values: [] }]
        : [401, { message: `not the token ${authorization}` }];
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  return Object.assign(site, { url, close });
}
