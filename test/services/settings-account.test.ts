import { expect } from 'chai';
import type { Env } from '../../server/config.ts';
import { Secret } from '../../server/secret.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { PASSWORD, startHub, type TestHub } from '../helpers/hub.ts';
import { basic, SITES_ENV, startTokenSite, type TokenSite } from '../helpers/token-site.ts';
import { openVisitor, signInAs } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

const EMAIL = 'hub@example.com';
const TOKEN = 'ATATT-the-token-of-the-settings';
const NEW_TOKEN = 'ATATT-the-next-token-of-the-settings';

onOneDatabase('the account that the settings name', (open) => {
  let hub: TestHub;
  let site: TokenSite;
  beforeEach(async () => {
    site = await startTokenSite();
    for (const token of [TOKEN, NEW_TOKEN]) site.owners.set(basic(EMAIL, token), { accountId: 'hub', email: EMAIL });
    site.owners.set(basic('other@example.com', TOKEN), { accountId: 'other', email: 'other@example.com' });
  });
  afterEach(() => site.close());

  const list = (user = hub.admin): Promise<Integration[]> => hub.context.integrations.list(user);
  const useIt = async (integration: Integration | undefined) => {
    if (!integration) throw new Error('there is no integration');
    return (await hub.context.connections.open(integration).fetch(`${site.url}/wiki/api/v2/spaces`)).status;
  };

  describe('at a start', () => {
    afterEach(() => hub.close());

    const start = async (options: { env?: Env; users?: false } = {}) => {
      const variables = {
        CONFLUENCE_BASE_URL: `${site.url}/wiki`,
        CONFLUENCE_USERNAME: EMAIL,
        CONFLUENCE_API_TOKEN: TOKEN,
      };
      hub = await startHub({ database: await open(), ...options, env: { ...SITES_ENV, ...variables, ...options.env } });
    };

    it('is connected at the start, for the first admin', async () => {
      await start();
      await hub.context.settingsAccount.settled();
      const [integration, ...others] = await list();
      expect(others).to.deep.equal([]);
      expect(integration).to.include({
        platform: 'confluence',
        status: 'active',
        method: 'api_token',
        accountEmail: EMAIL,
      });
      expect(integration).to.include({ fromSettings: true });
      expect(await list(hub.member)).to.deep.equal([]);
      expect(await useIt(integration)).to.equal(200);
      expect(hub.context.settingsAccount.problem('confluence')).to.equal(undefined);
    });

    it('waits for the first admin where there is none yet', async () => {
      await start({ env: { ADMIN_EMAIL: undefined, ADMIN_PASSWORD: undefined }, users: false });
      expect(site.requests).to.deep.equal([]);
      const visitor = openVisitor(hub.url);
      await visitor.get('/set-up');
      const code = /"setupCode":"([0-9a-f]{32})"/.exec(hub.logs())?.[1] ?? '';
      await visitor.post('/set-up', { code, email: 'first@example.com', name: 'First', password: PASSWORD });
      await hub.context.settingsAccount.settled();
      const [admin] = await hub.context.users.list();
      if (!admin) throw new Error('nobody was set up');
      expect((await list(admin)).map(({ accountEmail }) => accountEmail)).to.deep.equal([EMAIL]);
    });

    it('does not keep the hub from starting while the vendor does not answer', async () => {
      site.silent = true;
      await start();
      const page = await (await signInAs(hub.url, 'admin@example.com')).get('/admin/integrations');
      expect(page.status).to.equal(200);
      await waitFor('the request', async () => site.requests.length === 1);
      expect(await list()).to.deep.equal([]);
    });
  });

  describe('at the next', () => {
    before(async () => {
      hub = await startHub({ database: await open(), env: SITES_ENV });
    });
    after(() => hub.close());
    afterEach(async () => {
      for (const { id } of await list())
        await hub.context.integrations.disconnect(hub.admin, id, { documents: 'delete' });
    });

    /** As a start with these variables does; without any, none of them is set. */
    const start = async (account?: { username?: string; apiToken?: string; baseUrl?: string }) => {
      hub.context.config.confluence.account = account && {
        baseUrl: account.baseUrl ?? `${site.url}/wiki`,
        username: account.username ?? EMAIL,
        apiToken: new Secret(account.apiToken ?? TOKEN),
      };
      await hub.context.settingsAccount.apply();
    };
    const grants = async () => (await hub.context.database.knex('integration_credentials').select('*')) as object[];

    it('costs one request at the next start, and stays as it is', async () => {
      await start({});
      const before = [await list(), await grants(), site.requests.length];
      await start({});
      expect([await list(), await grants(), site.requests.length - 1]).to.deep.equal(before);
    });

    it('gets the token that the settings have now', async () => {
      await start({});
      const [before] = await list();
      site.owners.delete(basic(EMAIL, TOKEN));
      await start({ apiToken: NEW_TOKEN });
      const [after, ...others] = await list();
      expect(others).to.deep.equal([]);
      expect(after).to.include({ id: before?.id, status: 'active' });
      expect(await useIt(after)).to.equal(200);
    });

    it('loses its token when the settings name another account', async () => {
      await start({});
      const [before] = await list();
      await start({ username: 'other@example.com' });
      const after = await list();
      expect(after.find(({ id }) => id === before?.id)).to.include({ status: 'needs_reconnect' });
      expect(after.find(({ id }) => id === before?.id)?.statusDetail).to.contain('CONFLUENCE_USERNAME');
      expect(after.find(({ id }) => id !== before?.id)).to.include({
        status: 'active',
        accountEmail: 'other@example.com',
      });
      expect(await grants()).to.have.length(1);
    });

    it('loses its token when the settings name another site, though that does not answer', async () => {
      await start({});
      await start({ baseUrl: 'http://127.0.0.1:1/wiki' });
      const [integration] = await list();
      expect(integration).to.include({ status: 'needs_reconnect' });
      expect(await grants()).to.deep.equal([]);
    });

    it('loses its token when the settings name none any more, and gets it back when they do', async () => {
      await start({});
      await start();
      const [integration] = await list();
      expect(integration).to.include({ status: 'needs_reconnect' });
      expect(integration?.statusDetail).to.contain('CONFLUENCE_BASE_URL');
      expect(await grants()).to.deep.equal([]);
      await start({});
      expect((await list())[0]).to.include({ id: integration?.id, status: 'active' });
    });

    it('keeps its token while the vendor has a fault', async () => {
      await start({});
      await site.close();
      await start({});
      expect((await list())[0]).to.include({ status: 'active' });
      expect(hub.context.settingsAccount.problem('confluence')).to.contain('could not be');
    });

    it('is not connected with a token that the vendor refuses, and admins are told why', async () => {
      await start({ apiToken: 'ATATT-nobodys-token' });
      expect([await list(), await grants()]).to.deep.equal([[], []]);
      const admin = await (await signInAs(hub.url, 'admin@example.com')).get('/admin/integrations');
      expect(admin.html).to.contain('CONFLUENCE_API_TOKEN could not be connected').and.to.contain('API token');
      const member = await (await signInAs(hub.url, 'member@example.com')).get('/admin/integrations');
      expect(member.html).not.to.contain('CONFLUENCE_API_TOKEN could not be connected');
      expect(hub.logs()).to.contain('the account of the settings could not be connected');
      expect(hub.logs() + admin.html).not.to.contain('ATATT-nobodys');
    });

    it('is not followed by the settings any more once somebody has reconnected it with a token of their own', async () => {
      await start({});
      await start();
      const [integration] = await list();
      await hub.context.grants.connectWithToken(hub.admin, 'confluence', {
        form: 'api_token',
        values: { baseUrl: site.url, email: EMAIL, apiToken: NEW_TOKEN },
        integrationId: integration?.id,
      });
      await start();
      expect((await list())[0]).to.include({ id: integration?.id, status: 'active', fromSettings: false });
    });
  });
});
