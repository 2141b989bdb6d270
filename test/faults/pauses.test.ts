import { expect } from 'chai';
import type { Provider } from '../../providers/provider.ts';
import { listen } from '../../providers/sandbox/stand-in.ts';
import type { Database } from '../../server/database/database.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { connectAccount, createConnections } from '../helpers/connections.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { rotatingProvider } from '../helpers/rotating-vendor.ts';
import { waitFor } from '../helpers/wait.ts';

const TOKENS = { accessToken: 'old', refreshToken: 'lasting' };

onEachDatabase('a pause that a vendor asks for', (open) => {
  let database: Database;
  let server: Awaited<ReturnType<typeof listen>>;
  let url: string;
  let provider: Provider;
  let made: ReturnType<typeof createConnections>;
  let integration: Integration;
  /** When each path was asked for, in ms. */
  let asked: Map<string, number>;
  /** Held answers leave when these are called. */
  let release: Map<string, () => void>;
  let limitedAt: number | undefined;

  beforeEach(async () => {
    database = await open();
    asked = new Map();
    release = new Map();
    limitedAt = undefined;
    server = await listen((req, res) => {
      const path = req.url ?? '';
      asked.set(path, Date.now());
      if (path === '/redirect') release.set(path, () => res.writeHead(302, { location: '/bytes' }).end());
      else if (path === '/limited' && limitedAt === undefined)
        release.set(path, () => {
          limitedAt = Date.now();
          res.writeHead(429, { 'retry-after': '1' }).end();
        });
      else if (path === '/new-token-only' && req.headers.authorization === 'Bearer old') res.writeHead(401).end();
      else res.end(path === '/token' ? JSON.stringify({ ...TOKENS, accessToken: 'new' }) : 'fine');
    });
    ({ url } = server);
    provider = rotatingProvider(url);
    made = createConnections(database, provider, url, generateFernetKey());
    integration = await connectAccount(database, made.credentials, TOKENS, false);
  });
  afterEach(async () => {
    await made.egress.close();
    await server.close();
    await database.close();
  });

  const ask = async (path: string) => (await made.connections.open(integration).fetch(`${url}${path}`)).text();
  const held = (path: string) => waitFor(path, () => release.get(path));
  const pauseIsKnown = () =>
    waitFor('the pause', async () =>
      (await database.knex('vendor_pace').whereNotNull('paused_until').first('key')) ? true : undefined,
    );

  it('holds the second leg of a request that the vendor redirects meanwhile', async () => {
    const redirected = ask('/redirect');
    await held('/redirect');
    const limited = ask('/limited');
    (await held('/limited'))();
    await pauseIsKnown();
    (await held('/redirect'))();
    expect(await Promise.all([redirected, limited])).to.deep.equal(['fine', 'fine']);
    expect((asked.get('/bytes') ?? 0) - (limitedAt ?? Infinity)).to.be.at.least(1000);
  });

  it('holds a request that waited for a new token meanwhile', async () => {
    let letRefresh: (() => void) | undefined;
    const refresh = provider.auth.refresh.bind(provider.auth);
    provider.auth.refresh = async (token, fetch) => {
      await new Promise<void>((done) => (letRefresh = done));
      return refresh(token, fetch);
    };
    const limited = ask('/limited');
    await held('/limited');
    const renewed = ask('/new-token-only');
    const goOn = await waitFor('the refresh', () => letRefresh);
    (await held('/limited'))();
    await pauseIsKnown();
    goOn();
    expect(await Promise.all([renewed, limited])).to.deep.equal(['fine', 'fine']);
    expect((asked.get('/new-token-only') ?? 0) - (limitedAt ?? Infinity)).to.be.at.least(1000);
  });

  it('is not cut short by a shorter one that comes later', async () => {
    const from = Date.now();
    await made.governor.pause(integration, provider.definition, { waitMs: 1500 });
    await made.governor.pause(integration, provider.definition, { waitMs: 500 });
    await made.governor.hold(integration, provider.definition);
    expect(Date.now() - from).to.be.at.least(1500);
  });

  it('fails with the time of its end, where what it holds would wait long', async () => {
    await made.governor.pause(integration, provider.definition, { waitMs: 60_000 });
    const error = await made.governor.hold(integration, provider.definition).catch((e: unknown) => e);
    expect(error).to.include({ kind: 'rate_limited' });
    expect((error as { retryAt: Date }).retryAt.getTime() - Date.now()).to.be.within(50_000, 60_500);
  });
});
