/**
 * A stand-in for Atlassian. One address plays auth.atlassian.com and api.atlassian.com, another the host of files, and each site has one of
 * its own, as sites of Atlassian Cloud have; a Data Center is installed below `/dc` of its address. What is sent to the wrong place is
 * refused, and seen by tests. `/manage-profile/security/api-tokens` shows people what to connect with a token with.
 */
import { createHash, randomBytes } from 'node:crypto';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, type Response } from 'express';
import { createConfluenceServer } from '../confluence/sandbox-server.ts';
import { createConfluenceSandbox } from '../confluence/sandbox.ts';
import { createJiraWebhooks } from '../jira/sandbox-webhooks.ts';
import { createJiraSandbox } from '../jira/sandbox.ts';
import { createBell } from '../sandbox/bell.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import { appOf, createStandIn, listen } from '../sandbox/stand-in.ts';
import { createTokenMint } from '../sandbox/token-mint.ts';
import { createCallers, usualSignIn, type Callers } from './sandbox-callers.ts';
import { createGrants, usualRotation } from './sandbox-grants.ts';
import { createSandboxMedia } from './sandbox-media.ts';
import { createSandboxOauth } from './sandbox-oauth.ts';
import { createSteering, seenOf, type AtlassianSandboxState } from './sandbox-steering.ts';
import { tokensPage } from './sandbox-tokens-page.ts';
import { AtlassianRefusal, type AtlassianSite, type AtlassianWorld } from './sandbox-world.ts';

export type AtlassianSandbox = {
  /** Of sign-in and gateway; the sites' are in the state. */
  url: string;
  /** Variables that point the hub at this stand-in. */
  env: Record<string, string>;
  state: AtlassianSandboxState;
  close(): Promise<void>;
};

/**
 * Starts a stand-in for Atlassian on 127.0.0.1, as strict as Atlassian about what it is sent; the sites get their `url` by it.
 * With the same `signingKey`, tokens and addresses of sites stay valid across restarts; without one they end with the process.
 */
export async function startAtlassianSandbox(options: {
  accounts: SandboxAccount[];
  /** With different names. */
  sites: AtlassianSite[];
  clientId: string;
  clientSecret: string;
  /** 0 or absent: any free port. */
  port?: number;
  signingKey?: string;
}): Promise<AtlassianSandbox> {
  const { accounts, sites, clientId, clientSecret, port, signingKey } = options;
  const mint = createTokenMint({ vendor: 'atlassian', signingKey, prefixes: { access: 'eyJ', refresh: 'eyJ' } });
  const { state, steer, send } = createStandIn(accounts, seenOf);
  const [rotation, signIn, media] = [usualRotation(), usualSignIn(), { lifetimeMs: 600_000 }];
  const clouds = sites.filter(({ kind }) => kind === 'cloud');
  const grants = createGrants({ accounts, clouds, mint, rotation });
  const oauth = createSandboxOauth({ accounts, clouds, clientId, clientSecret, mint, grants });
  const callers = createCallers({ accounts, grants, signIn });
  let filesUrl = '';
  const files = createSandboxMedia({ mint, send, baseUrl: () => filesUrl, lifetimeMs: () => media.lifetimeMs });
  const world: AtlassianWorld = { callerOf: callers.callerOf, mediaUrl: files.urlOf, send };
  const bell = createBell();
  const webhooks = createJiraWebhooks({ callerOf: callers.callerOf, bell, clientSecret });
  const places = createPlaces(world, callers, { sites, webhooks: webhooks.router });

  const filesServer = await listen(appWith(steer, files.router));
  filesUrl = filesServer.url;
  const siteServers = await Promise.all(
    sites.map(async (site) => {
      const server = await listenAt(appWith(steer, places.ofSite(site)), signingKey && `${signingKey} ${site.name}`);
      site.url = site.kind === 'server' ? `${server.url}/dc` : server.url;
      return server;
    }),
  );
  const tokens: RequestHandler = (_req, res) => void res.type('html').send(tokensPage(accounts, sites));
  const main = await listen(appWith(steer, oauth, places.gateway(tokens)), port);
  return {
    url: main.url,
    env: {
      ATLASSIAN_CLIENT_ID: clientId,
      ATLASSIAN_CLIENT_SECRET: clientSecret,
      ATLASSIAN_AUTH_URL: main.url,
      ATLASSIAN_API_URL: main.url,
      EGRESS_ALLOWED_HOSTS: [filesServer, ...siteServers].map(({ url }) => new URL(url).host).join(','),
    },
    state: createSteering(state, {
      sites,
      rotation,
      signIn,
      media,
      grants,
      jiraWebhooks: webhooks.all,
      calls: bell.calls,
    }),
    async close() {
      bell.close();
      await Promise.all([main, filesServer, ...siteServers].map((server) => server.close()));
    },
  };
}

/** Where the products are mounted: on the gateway for all sites of the cloud, and on each site. */
function createPlaces(
  world: AtlassianWorld,
  callers: Callers,
  { sites, webhooks }: { sites: AtlassianSite[]; webhooks: RequestHandler },
) {
  const confluence = createConfluenceSandbox(world);
  const jira = createJiraSandbox(world);
  const server = createConfluenceServer(world);
  return {
    gateway(tokens: RequestHandler): RequestHandler {
      const at = (product: 'confluence' | 'jira'): RequestHandler =>
        callers.atGateway(({ params }) =>
          sites.find((site) => site.kind === 'cloud' && site.cloudId === params.cloudId && site[product]),
        );
      const router = express.Router();
      router.get('/manage-profile/security/api-tokens', tokens);
      router.use('/ex/confluence/:cloudId', at('confluence'));
      router.use('/ex/confluence/:cloudId/wiki', confluence);
      router.use('/ex/jira/:cloudId', at('jira'));
      router.use('/ex/jira/:cloudId/rest/api/3', webhooks, jira);
      return router;
    },

    ofSite(site: AtlassianSite): RequestHandler {
      const router = express.Router();
      if (site.kind === 'server') return router.use('/dc', callers.atServer(site), server);
      router.get('/_edge/tenant_info', (_req, res) => void res.json({ cloudId: site.cloudId }));
      router.use(callers.atSite(site));
      if (site.confluence) router.use('/wiki', confluence);
      if (site.jira) router.use('/rest/api/3', jira);
      return router;
    },
  };
}

const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** Listens on the port that `key` stands for, or on any free one where there is no key, or somebody else has that port. */
async function listenAt(app: Express, key: string | undefined): ReturnType<typeof listen> {
  if (!key) return listen(app);
  const port = FIRST_PORT + (createHash('sha256').update(key).digest().readUInt32BE() % PORTS);
  return listen(app, port).catch(() => listen(app));
}

const named: RequestHandler = (_req, res, next) => {
  res.set('atl-traceid', randomBytes(16).toString('hex'));
  next();
};

/** Refusals of the gateway and the sites, whichever router they come from. */
const refuse: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (error instanceof AtlassianRefusal) res.status(error.status).set(error.headers).json(error.body);
  // What express.json says of a body that is no JSON.
  else if (error instanceof SyntaxError)
    res.status(400).json({ error: 'invalid_request', error_description: 'No JSON' });
  else next(error);
};

function appWith(...handlers: RequestHandler[]): Express {
  const router = express.Router();
  router.use(named, ...handlers);
  router.use(refuse);
  return appOf([router], {
    unknown: (_req, res) => sendPlain(res, 404, 'No message available'),
    fault: (res, message) => sendPlain(res, 500, message),
  });
}

const sendPlain = (res: Response, code: number, message: string): void => void res.status(code).json({ code, message });
