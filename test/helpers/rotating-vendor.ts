import { ProviderError } from '../../providers/errors.ts';
import type { Provider } from '../../providers/provider.ts';
import { listen } from '../../providers/sandbox/stand-in.ts';
import { Secret } from '../../server/secret.ts';

export type VendorAnswer = { status: number; headers?: Record<string, string>; body?: string } | 'reset';

/** A vendor of three rules: a refresh token works once, an access token until it is called back, and answers can be planned. */
export type RotatingVendor = {
  url: string;
  /** Tokens to begin with. */
  tokens: { accessToken: string; refreshToken: string };
  refreshes: number;
  /** Arrival times of API requests, in ms. */
  requests: number[];
  /** Answers of the API before it goes back to 200. */
  planned: VendorAnswer[];
  /** Answers of the token endpoint before it goes back to work. */
  plannedRefreshes: VendorAnswer[];
  callBack(): void;
  close(): Promise<void>;
};

export async function startRotatingVendor(options: { refreshMs?: number } = {}): Promise<RotatingVendor> {
  let generation = 0;
  const current = () => ({ accessToken: `access-${generation}`, refreshToken: `refresh-${generation}` });
  const valid = new Set(['access-0']);
  const { url, close } = await listen((req, res) => {
    let body = '';
    req.on('data', (part: Buffer) => (body += part.toString()));
    req.on('end', () => {
      const isRefresh = req.url === '/token';
      const plan = (isRefresh ? vendor.plannedRefreshes : vendor.planned).shift();
      if (!isRefresh) vendor.requests.push(Date.now());
      else vendor.refreshes++;
      if (plan === 'reset') return void req.socket.destroy();
      if (plan) return void res.writeHead(plan.status, plan.headers).end(plan.body ?? '');
      if (!isRefresh) {
        const allowed = valid.has((req.headers.authorization ?? '').replace('Bearer ', ''));
        return void res.writeHead(allowed ? 200 : 401).end(allowed ? 'fine' : '{}');
      }
      const sent = new URLSearchParams(body).get('refresh_token');
      if (sent !== current().refreshToken) return void res.writeHead(400).end('{"error":"invalid_grant"}');
      generation++;
      valid.add(current().accessToken);
      setTimeout(() => res.end(JSON.stringify(current())), options.refreshMs ?? 0);
    });
  });
  const vendor: RotatingVendor = {
    url,
    tokens: current(),
    refreshes: 0,
    requests: [],
    planned: [],
    plannedRefreshes: [],
    callBack: () => valid.clear(),
    close,
  };
  return vendor;
}

/** The least provider that talks to it. */
export function rotatingProvider(url: string, afterRefresh: () => void = () => undefined): Provider {
  return {
    definition: {
      id: 'google_drive',
      label: 'Rotating Vendor',
      summary: 'For tests.',
      scopes: [],
      settings: { clientId: '', clientSecret: '' },
      hosts: [],
      pace: { integration: { perSecond: 1000, burst: 1000 }, app: { perSecond: 1000, burst: 1000 } },
      idleDays: 90,
      manualRevokeUrl: '',
    },
    auth: {
      authorizationUrl: () => Promise.reject(new Error('not used')),
      exchange: () => Promise.reject(new Error('not used')),
      identify: () => Promise.reject(new Error('not used')),
      async refresh(refreshToken, fetch) {
        const body = new URLSearchParams({ refresh_token: refreshToken.reveal() });
        const answer = await fetch(`${url}/token`, { method: 'POST', body });
        if (answer.status === 400)
          throw new ProviderError('reconnect', 'google_drive', 'The vendor no longer accepts the grant.');
        if (answer.status === 401)
          throw new ProviderError('misconfigured', 'google_drive', 'The client secret is wrong.');
        if (!answer.ok) throw new ProviderError('transient', 'google_drive', 'The vendor has a fault.');
        const tokens = (await answer.json()) as { accessToken: string; refreshToken: string };
        afterRefresh();
        return {
          accessToken: new Secret(tokens.accessToken),
          refreshToken: new Secret(tokens.refreshToken),
          expiresAt: new Date(Date.now() + 3_600_000),
          scopes: [],
        };
      },
    },
    roots: () => Promise.resolve([]),
    list: () => Promise.resolve({ items: [] }),
    get: () => Promise.reject(new Error('not used')),
    open: () => Promise.reject(new Error('not used')),
  };
}
