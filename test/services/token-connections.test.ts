import { expect } from 'chai';
import { AppError, InvalidInputError } from '../../server/errors.ts';
import { Secret } from '../../server/secret.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { rotateKeys } from '../../server/services/key-rotation.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { createVault } from '../../server/vault/vault.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { basic, SITES_ENV, startTokenSite, type TokenSite } from '../helpers/token-site.ts';

const EMAIL = 'marit@example.com';
const TOKEN = 'ATATT-the-token-of-marit==';
const NEW_TOKEN = 'ATATT-the-second-token==';
const PERSONAL = 'the-personal-token-of-marit';
/** As in an operator's settings before there is any app at Atlassian. */
const NO_APPS = {
  ATLASSIAN_CLIENT_ID: undefined,
  ATLASSIAN_CLIENT_SECRET: undefined,
  CONFLUENCE_CLIENT_ID: undefined,
  CONFLUENCE_CLIENT_SECRET: undefined,
};

onOneDatabase('an account connected with a token', (open) => {
  let hub: TestHub;
  let site: TokenSite;
  before(async () => {
    hub = await startHub({ database: await open(), env: { ...SITES_ENV, ...NO_APPS, LOG_LEVEL: 'trace' } });
  });
  after(() => hub.close());
  beforeEach(async () => {
    site = await startTokenSite();
    site.owners.set(basic(EMAIL, TOKEN), { accountId: 'marit', email: EMAIL, displayName: 'Marit Halloran' });
    site.owners.set(basic(EMAIL, NEW_TOKEN), { accountId: 'marit', email: EMAIL, displayName: 'Marit Halloran' });
    site.owners.set(basic('odd@example.com', TOKEN), { accountId: 'odd', email: 'odd@example.com' });
    site.owners.set(`Bearer ${PERSONAL}`, { accountId: 'marit-here', displayName: 'Marit' });
  });
  afterEach(async () => {
    for (const { id } of await hub.context.integrations.list(hub.admin))
      await hub.context.integrations.disconnect(hub.admin, id, { documents: 'delete' });
    await site.close();
  });

  type Typed = { baseUrl?: string; email?: string; apiToken?: string };
  const connect = (typed: Typed = {}, integrationId?: string, user = hub.admin) =>
    hub.context.grants.connectWithToken(user, 'confluence', {
      form: 'api_token',
      values: { baseUrl: site.url, email: EMAIL, apiToken: TOKEN, ...typed },
      integrationId,
    });
  const refusal = async (attempt: Promise<unknown>): Promise<AppError> => {
    const error = await attempt.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error instanceof AppError) return error;
    throw new Error('nothing was refused on purpose', { cause: error });
  };
  const fieldsOf = (error: AppError): string[] =>
    error instanceof InvalidInputError ? (error.details.errors as { field: string }[]).map(({ field }) => field) : [];
  const get = (id: string): Promise<Integration> => hub.context.integrations.get(hub.admin, id);
  const rows = async (table: string) => (await hub.context.database.knex(table).select('*')) as object[];
  const ask = (integration: Integration) =>
    hub.context.connections.open(integration).fetch(`${site.url}/wiki/api/v2/spaces`);
  const asked = () => site.requests.filter(({ path }) => path.endsWith('/spaces')).length;

  it('is kept under its site once the site has said whose the token is', async () => {
    const { integration, created } = await connect({
      baseUrl: `${site.url}/wiki/spaces/EX/overview`,
      email: ` ${EMAIL} `,
    });
    expect(created).to.equal(true);
    expect(integration).to.include({
      platform: 'confluence',
      status: 'active',
      method: 'api_token',
      accountEmail: EMAIL,
    });
    expect(integration.site).to.deep.equal({ url: `${site.url}/wiki`, apiUrl: site.url });
    expect(hub.context.connections.open(integration).site).to.deep.equal(integration.site);
    expect((await ask(integration)).status).to.equal(200);
    expect(site.requests.map(({ authorization }) => authorization)).to.deep.equal([
      basic(EMAIL, TOKEN),
      basic(EMAIL, TOKEN),
    ]);
  });

  it('is asked for by the scheme of its form', async () => {
    const { integration } = await hub.context.grants.connectWithToken(hub.admin, 'confluence', {
      form: 'personal_access_token',
      values: { baseUrl: site.url, personalAccessToken: PERSONAL },
    });
    expect(integration).to.include({ method: 'personal_access_token', accountName: 'Marit' });
    await ask(integration);
    expect(site.requests.at(-1)?.authorization).to.equal(`Bearer ${PERSONAL}`);
  });

  it('is refused with a word on the field when the token is wrong, and nothing is kept', async () => {
    const error = await refusal(connect({ apiToken: 'ATATT-wrong' }));
    expect(error).to.include({ status: 422, code: 'invalid_credentials' });
    expect(fieldsOf(error)).to.deep.equal(['apiToken']);
    expect(error.message).not.to.contain('ATATT');
    expect(site.requests.filter(({ authorization }) => authorization !== undefined)).to.have.length(1);
    expect([await rows('user_integrations'), await rows('integration_credentials')]).to.deep.equal([[], []]);
  });

  it('is told field by field what is missing or malformed, without anybody being asked', async () => {
    const empty = await refusal(connect({ baseUrl: '', email: ' ', apiToken: '' }));
    expect(fieldsOf(empty)).to.deep.equal(['baseUrl', 'email', 'apiToken']);
    const malformed = await refusal(connect({ baseUrl: 'http://', email: 'marit', apiToken: 'x'.repeat(5000) }));
    expect(fieldsOf(malformed)).to.deep.equal(['baseUrl', 'email', 'apiToken']);
    expect(malformed.message).not.to.contain('xxx');
    expect(fieldsOf(await refusal(connect({ baseUrl: 'https://wiki.internal.example' })))).to.deep.equal(['baseUrl']);
    expect(site.requests).to.deep.equal([]);
  });

  it('is refused with a sentence, not a field, when the site has a fault', async () => {
    await site.close();
    const error = await refusal(connect());
    expect(error).to.include({ status: 502, code: 'vendor_error' });
    expect(await rows('user_integrations')).to.deep.equal([]);
  });

  it('gets a new token under its old id, and is left as it is by the same one', async () => {
    const first = await connect();
    const [before] = await rows('integration_credentials');
    const same = await connect();
    expect(same).to.deep.equal({ integration: first.integration, created: false });
    expect(await rows('integration_credentials')).to.deep.equal([before]);
    const changed = await connect({ apiToken: NEW_TOKEN });
    expect(changed.created).to.equal(false);
    expect(changed.integration.id).to.equal(first.integration.id);
    expect(await rows('user_integrations')).to.have.length(1);
    await ask(changed.integration);
    expect(site.requests.at(-1)?.authorization).to.equal(basic(EMAIL, NEW_TOKEN));
  });

  it('is another one for the same person at another site', async () => {
    const second = await startTokenSite();
    try {
      second.owners.set(basic(EMAIL, TOKEN), { accountId: 'marit', email: EMAIL });
      const here = await connect();
      const there = await connect({ baseUrl: second.url });
      expect(there.integration.id).not.to.equal(here.integration.id);
      expect(there.created).to.equal(true);
    } finally {
      await second.close();
    }
  });

  it('is not reconnected with the token of another account, and neither changes', async () => {
    const { integration } = await connect();
    const before = [await rows('user_integrations'), await rows('integration_credentials')];
    const error = await refusal(connect({ email: 'odd@example.com' }, integration.id));
    expect(error).to.include({ status: 400, code: 'account_mismatch' });
    expect(error.message).to.contain('odd@example.com').and.to.contain(EMAIL);
    expect([await rows('user_integrations'), await rows('integration_credentials')]).to.deep.equal(before);
  });

  it('is not reconnected by another user', async () => {
    const { integration } = await connect();
    const error = await refusal(connect({}, integration.id, hub.member));
    expect(error).to.include({ status: 404 });
    expect(await hub.context.integrations.list(hub.member)).to.deep.equal([]);
  });

  it('asks for a new token when its token is refused, and never sends the refused one again', async () => {
    const { integration } = await connect();
    site.owners.clear();
    const first = await refusalOf(ask(integration));
    expect(first.message).to.contain('no longer accepts the token').and.to.contain('new token');
    expect(asked()).to.equal(1);
    expect(await get(integration.id)).to.include({ status: 'needs_reconnect', statusDetail: first.message });
    // What holds an older copy of the account does not know yet.
    expect((await refusalOf(ask(integration))).message).to.equal(first.message);
    await refusalOf(ask(await get(integration.id)));
    expect(asked()).to.equal(1);

    site.owners.set(basic(EMAIL, NEW_TOKEN), { accountId: 'marit', email: EMAIL });
    const again = await connect({ apiToken: NEW_TOKEN }, integration.id);
    expect(again.integration).to.include({ id: integration.id, status: 'active', statusDetail: undefined });
    expect((await ask(again.integration)).status).to.equal(200);
  });

  it('sends a refused token no more often than requests were under way already', async () => {
    const { integration } = await connect();
    site.owners.clear();
    const connection = hub.context.connections.open(integration);
    await Promise.all(Array.from({ length: 40 }, () => refusalOf(connection.fetch(`${site.url}/wiki/api/v2/spaces`))));
    expect(asked()).to.be.within(1, 8);
  });

  it('goes on with a token that was replaced while the old one was refused', async () => {
    const { integration } = await connect();
    site.owners.delete(basic(EMAIL, TOKEN));
    const { egress } = hub.context;
    const { fetch } = egress;
    egress.fetch = async (...args) => {
      egress.fetch = fetch;
      const answer = await fetch(...args);
      await connect({ apiToken: NEW_TOKEN });
      return answer;
    };
    expect((await ask(integration)).status).to.equal(200);
    expect(await get(integration.id)).to.include({ status: 'active' });
  });

  it('is not refreshed to be kept alive', async () => {
    const { integration } = await connect();
    await hub.context.database.knex('integration_credentials').update({ refreshed_at: new Date(0) });
    const before = site.requests.length;
    expect(await hub.context.credentials.keepAlive()).to.equal(0);
    expect(site.requests).to.have.length(before);
    expect(await get(integration.id)).to.include({ status: 'active' });
  });

  it('is sealed anew when the keys change', async () => {
    const { integration } = await connect();
    const key = new Secret(generateFernetKey());
    const vault = createVault([key, ...hub.context.config.encryptionKeys]);
    const done = await rotateKeys({ database: hub.context.database, vault });
    expect(done).to.deep.equal({ seen: 1, resealed: 1 });
    const [row] = (await rows('integration_credentials')) as { sealed: string; expires_at: Date | null }[];
    expect(row?.expires_at).to.equal(null);
    const opened = createVault([key]).open(row?.sealed ?? '', `integration_credentials:${integration.id}`);
    expect(Buffer.from((JSON.parse(opened) as { accessToken: string }).accessToken, 'base64').toString()).to.equal(
      `${EMAIL}:${TOKEN}`,
    );
    await hub.context.database.knex('integration_credentials').delete();
  });

  it('is disconnected here, and its owner told where to delete the token', async () => {
    const { integration } = await connect();
    const before = site.requests.length;
    const outcome = await hub.context.integrations.disconnect(hub.admin, integration.id, { documents: 'keep' });
    expect(outcome).to.deep.include({
      revoked: false,
      manualRevokeUrl: 'https://id.atlassian.com/manage-profile/security/api-tokens',
    });
    expect(site.requests).to.have.length(before);
    expect([await rows('user_integrations'), await rows('integration_credentials')]).to.deep.equal([[], []]);
  });

  it('can be had where connecting by consent is not set up, which says so', async () => {
    const error = await refusal(hub.context.grants.start(hub.admin, 'confluence', { sessionId: 'here' }));
    expect(error).to.include({ status: 400, code: 'not_configured' });
    expect(error.details).to.deep.equal({ missing: { clientId: true, clientSecret: true } });
    expect(error.message).to.contain('CONFLUENCE_CLIENT_ID').and.to.contain('token');
    const overview = await hub.context.integrations.overview(hub.admin);
    expect(overview.find(({ definition }) => definition.id === 'confluence')).to.include({ configured: false });
  });

  it('is not to be had of a service, or in a way, that knows no tokens', async () => {
    const { grants } = hub.context;
    const values = { baseUrl: site.url, email: EMAIL, apiToken: TOKEN };
    expect(await refusal(grants.connectWithToken(hub.admin, 'dropbox', { form: 'api_token', values }))).to.include({
      status: 404,
    });
    expect(await refusal(grants.connectWithToken(hub.admin, 'confluence', { form: 'password', values }))).to.include({
      status: 404,
    });
  });

  it('leaves its token in neither the log nor a readable column, whatever succeeds or fails', async () => {
    const { integration } = await connect();
    await refusal(connect({ apiToken: 'ATATT-wrong-secret' }));
    await ask(integration);
    site.owners.clear();
    await refusalOf(ask(integration));
    const { rows: tables } = (await hub.context.database.knex.raw(
      `select table_schema as schema, table_name as name from information_schema.tables
       where table_schema in ('public', 'pgboss') and table_type = 'BASE TABLE'`,
    )) as { rows: { schema: string; name: string }[] };
    const places = [hub.logs()];
    for (const { schema, name } of tables)
      places.push(JSON.stringify(await hub.context.database.knex.withSchema(schema).from(name).select('*')));
    const encoded = (token: string) => basic(EMAIL, token).slice('Basic '.length);
    for (const secret of [
      TOKEN,
      encoded(TOKEN),
      'ATATT-wrong-secret',
      encoded('ATATT-wrong-secret'),
      PERSONAL,
      NEW_TOKEN,
    ])
      for (const text of places) expect(text.includes(secret)).to.equal(false);
  });
});

/** What a connection's request failed with. */
const refusalOf = (attempt: Promise<unknown>): Promise<Error> =>
  attempt.then(
    () => {
      throw new Error('the request did not fail');
    },
    (error: unknown) => error as Error,
  );
