import { expect } from 'chai';
import * as schemas from '../../server/api/schemas.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { basic, SITES_ENV, startTokenSite, type TokenSite } from '../helpers/token-site.ts';
import { answer, openClient, problem, type Client } from './client.ts';

const EMAIL = 'marit@example.com';
const TOKEN = 'ATATT-the-token-of-marit==';
const PERSONAL = 'the-personal-token-of-marit';
const CALL = '/integrations/confluence/api-token';
const NO_APPS = {
  ATLASSIAN_CLIENT_ID: undefined,
  ATLASSIAN_CLIENT_SECRET: undefined,
  CONFLUENCE_CLIENT_ID: undefined,
  CONFLUENCE_CLIENT_SECRET: undefined,
};

onOneDatabase('connecting with a token in the JSON API', (open) => {
  let hub: TestHub;
  let site: TokenSite;
  let call: Client['call'];
  before(async () => {
    hub = await startHub({ database: await open(), env: { ...SITES_ENV, ...NO_APPS } });
    ({ call } = await openClient(hub));
    site = await startTokenSite();
    site.owners.set(basic(EMAIL, TOKEN), { accountId: 'marit', email: EMAIL, displayName: 'Marit' });
    site.owners.set(`Bearer ${PERSONAL}`, { accountId: 'marit-here', displayName: 'Marit' });
  });
  after(async () => {
    await hub?.close();
    await site?.close();
  });

  const connect = (body: object) => call('POST', CALL, { body });

  it('verifies the token and gives the account with its site: 201, and 200 when it is connected already', async () => {
    const body = { baseUrl: site.url, email: EMAIL, apiToken: TOKEN };
    const { integration } = await answer(await connect(body), 201, schemas.tokenConnectedAnswer);
    expect(integration).to.include({ platform: 'confluence', accountEmail: EMAIL, site: `${site.url}/wiki` });
    const again = await answer(await connect(body), 200, schemas.tokenConnectedAnswer);
    expect(again.integration.id).to.equal(integration.id);
    const { integrations } = await answer(await call('GET', '/integrations'), 200, schemas.integrationsAnswer);
    expect(integrations).to.deep.include(again.integration);
  });

  it('takes the other kind of token by its own member', async () => {
    const { integration } = await answer(
      await connect({ baseUrl: site.url, personalAccessToken: PERSONAL }),
      201,
      schemas.tokenConnectedAnswer,
    );
    expect(integration).to.include({ accountName: 'Marit', accountEmail: null, site: site.url });
  });

  it('refuses a wrong token as invalid_credentials, without repeating it', async () => {
    const refused = await problem(
      await connect({ baseUrl: site.url, email: EMAIL, apiToken: 'ATATT-wrong' }),
      422,
      'invalid_credentials',
    );
    expect(refused.errors?.map(({ field }) => field)).to.deep.equal(['apiToken']);
    expect(JSON.stringify(refused)).not.to.contain('ATATT');
  });

  it('names what is missing, malformed or unknown in the body', async () => {
    const missing = await problem(await connect({}), 422, 'invalid_input');
    expect(missing.errors?.map(({ field }) => field)).to.deep.equal(['baseUrl', 'email', 'apiToken']);
    const typed = { baseUrl: site.url, email: EMAIL, apiToken: TOKEN };
    const unknown = await problem(await connect({ ...typed, password: 'x' }), 422, 'invalid_input');
    expect(unknown.errors?.map(({ field }) => field)).to.deep.equal(['password']);
    const number = await problem(await connect({ ...typed, apiToken: 5 }), 422, 'invalid_input');
    expect(number.errors?.map(({ field }) => field)).to.deep.equal(['apiToken']);
  });

  it('is not found for services without tokens', async () => {
    await problem(await call('POST', '/integrations/dropbox/api-token'), 404, 'not_found');
    await problem(await call('POST', '/integrations/fax/api-token'), 404, 'not_found');
  });

  it('is what a service without settings for consent says can be done instead', async () => {
    const refused = await problem(await call('GET', '/integrations/confluence/connect'), 400, 'not_configured');
    expect(refused).to.deep.include({ missing: { clientId: true, clientSecret: true } });
    expect(refused.detail).to.contain('API token');
  });

  it('leaves the token for its owner to delete when the account is disconnected', async () => {
    const { integrations } = await answer(await call('GET', '/integrations'), 200, schemas.integrationsAnswer);
    const ids = integrations.flatMap((one) => (one.connected && one.platform === 'confluence' ? [one.id] : []));
    expect(ids).to.have.length(2);
    for (const id of ids) {
      const done = await answer(await call('DELETE', `/integrations/${id}`), 200, schemas.disconnectAnswer);
      expect(done.revoked).to.equal(false);
      expect(done.manualRevokeUrl).to.match(/^https:\/\//);
    }
  });
});
