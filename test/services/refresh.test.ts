import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import type { Database } from '../../server/database/database.ts';
import { findIntegrationById } from '../../server/stores/integration-store.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { connectAccount, createConnections, reload } from '../helpers/connections.ts';
import { onEachDatabase, openTestDatabase } from '../helpers/database.ts';
import { rotatingProvider, startRotatingVendor, type RotatingVendor } from '../helpers/rotating-vendor.ts';

const key = generateFernetKey();

onEachDatabase('an expired grant', (open) => {
  let database: Database;
  let vendor: RotatingVendor;
  let made: ReturnType<typeof createConnections>;
  beforeEach(async () => {
    database = await open();
    vendor = await startRotatingVendor({ refreshMs: 50 });
    made = createConnections(database, rotatingProvider(vendor.url), vendor.url, key);
  });
  afterEach(async () => {
    await made.egress.close();
    await vendor.close();
    await database.close();
  });
  const kindOf = (work: Promise<unknown>) =>
    work.then(
      () => 'none',
      (error: unknown) => (error as { kind?: string }).kind,
    );

  it('is refreshed once for 50 callers, and both new tokens are stored', async () => {
    const integration = await connectAccount(database, made.credentials, vendor.tokens, true);
    const tokens = await Promise.all(Array.from({ length: 50 }, () => made.credentials.accessToken(integration)));
    expect(new Set(tokens.map((token) => token.reveal()))).to.deep.equal(new Set(['access-1']));
    expect(vendor.refreshes).to.equal(1);
    const stored = await made.credentials.read(integration.id);
    expect([stored?.accessToken.reveal(), stored?.refreshToken?.reveal()]).to.deep.equal(['access-1', 'refresh-1']);
  });

  it('keeps the old refresh token where none comes back', async () => {
    const integration = await connectAccount(database, made.credentials, vendor.tokens, true);
    vendor.plannedRefreshes.push({ status: 200, body: '{"accessToken":"access-x"}' });
    const provider = rotatingProvider(vendor.url);
    const refresh = provider.auth.refresh.bind(provider.auth);
    provider.auth.refresh = async (token, fetch) => ({ ...(await refresh(token, fetch)), refreshToken: undefined });
    const other = createConnections(database, provider, vendor.url, key);
    await other.credentials.accessToken(integration);
    expect((await made.credentials.read(integration.id))?.refreshToken?.reveal()).to.equal('refresh-0');
    await other.egress.close();
  });

  it('survives an outage of the vendor, and dies only by its word', async () => {
    const integration = await connectAccount(database, made.credentials, vendor.tokens, true);
    vendor.plannedRefreshes.push({ status: 500 }, 'reset');
    expect(await kindOf(made.credentials.accessToken(integration))).to.equal('transient');
    expect(await kindOf(made.credentials.accessToken(integration))).to.equal(undefined);
    expect((await reload(database, integration)).status).to.equal('active');
    vendor.plannedRefreshes.push({ status: 400, body: '{"error":"invalid_grant"}' });
    expect(await kindOf(made.credentials.accessToken(integration))).to.equal('reconnect');
    const dead = await reload(database, integration);
    expect(dead.status).to.equal('needs_reconnect');
    expect(dead.statusDetail).to.equal('The vendor no longer accepts the grant.');
    const asked = vendor.refreshes;
    expect(await kindOf(made.credentials.accessToken(dead))).to.equal('reconnect');
    expect(vendor.refreshes, 'a dead grant is not asked for again').to.equal(asked);
  });

  it('is not to blame for a wrong client secret: that is one note for the operator, gone with the next success', async () => {
    const integration = await connectAccount(database, made.credentials, vendor.tokens, true);
    vendor.plannedRefreshes.push({ status: 401 });
    expect(await kindOf(made.credentials.accessToken(integration))).to.equal('misconfigured');
    expect((await reload(database, integration)).status).to.equal('active');
    expect(await database.knex('platform_problems').pluck('detail')).to.deep.equal(['The client secret is wrong.']);
    await made.credentials.accessToken(integration);
    expect(await database.knex('platform_problems').pluck('detail')).to.deep.equal([]);
  });

  it('is kept alive when nobody uses it for long', async () => {
    const integration = await connectAccount(database, made.credentials, vendor.tokens, false);
    expect(await made.credentials.keepAlive()).to.equal(0);
    await database.knex('integration_credentials').update({ refreshed_at: new Date(Date.now() - 40 * 86_400_000) });
    expect(await made.credentials.keepAlive()).to.equal(1);
    expect(vendor.refreshes).to.equal(1);
    expect((await made.credentials.read(integration.id))?.refreshToken?.reveal()).to.equal('refresh-1');
    expect(await made.credentials.keepAlive()).to.equal(0);
  });
});

/** Needs a server that two processes can share. */
const onPostgres = process.env.TEST_DATABASE_URL ? describe : () => undefined;

onPostgres('an expired grant of two processes', function () {
  this.timeout(120_000);
  let database: Database;
  let vendor: RotatingVendor;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    database = await openTestDatabase('postgres');
    vendor = await startRotatingVendor({ refreshMs: 200 });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await vendor.close();
    await database.close();
  });

  async function start(integrationId: string, mode = 'live') {
    const url = new URL(process.env.TEST_DATABASE_URL ?? '');
    const { rows } = (await database.knex.raw('select current_database() as name')) as { rows: [{ name: string }] };
    url.pathname = `/${rows[0].name}`;
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'test/helpers/refresh-caller.ts', url.href, vendor.url, key, integrationId, mode],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    children.push(child);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await lines.next();
    return {
      child,
      async go(): Promise<{ successes: number; tokens: string[] }> {
        child.stdin.write('go\n');
        return JSON.parse((await lines.next()).value ?? '{}') as { successes: number; tokens: string[] };
      },
    };
  }

  it('is refreshed once for 100 callers', async () => {
    const made = createConnections(database, rotatingProvider(vendor.url), vendor.url, key);
    const { id } = await connectAccount(database, made.credentials, vendor.tokens, true);
    const processes = await Promise.all([start(id), start(id)]);
    const answers = await Promise.all(processes.map((one) => one.go()));
    expect(answers).to.deep.equal([
      { successes: 50, tokens: ['access-1'] },
      { successes: 50, tokens: ['access-1'] },
    ]);
    expect(vendor.refreshes).to.equal(1);
    await made.egress.close();
  });

  it('says reconnect when a process was killed between the vendor’s answer and the save, and does not loop', async () => {
    const made = createConnections(database, rotatingProvider(vendor.url), vendor.url, key);
    const { id } = await connectAccount(database, made.credentials, vendor.tokens, true);
    const victim = await start(id, 'die');
    victim.child.stdin.write('go\n');
    await once(victim.child, 'exit');
    expect(vendor.refreshes).to.equal(1);
    const survivor = await start(id);
    expect((await survivor.go()).successes).to.equal(0);
    expect(vendor.refreshes).to.equal(2);
    expect((await findIntegrationById(database.knex, id))?.status).to.equal('needs_reconnect');
    await made.egress.close();
  });
});
