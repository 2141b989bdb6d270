import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { consent } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { signInAs, type Visitor } from '../helpers/visitor.ts';

const CONNECT = '/admin/integrations/connect/google_drive';

onOneDatabase('connecting an account', (open) => {
  let hub: TestHub;
  let folder: string;
  let visitor: Visitor;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-files-'));
    await writeFile(path.join(folder, 'note.txt'), 'The harbour opens at six.');
    hub = await startHub({ database: await open(), filesDir: folder });
    visitor = await signInAs(hub.url, 'admin@example.com');
  });
  after(async () => {
    await hub.close();
    await rm(folder, { recursive: true });
  });
  afterEach(async () => {
    for (const integration of await hub.context.integrations.list(hub.admin))
      await hub.context.integrations.disconnect(hub.admin, integration.id, { documents: 'delete' });
  });

  const count = async (table: string) =>
    Number(((await hub.context.database.knex(table).count('* as n').first()) as { n: string }).n);

  /** No grant, no half-made row. */
  async function expectNothingKept() {
    expect(await count('user_integrations')).to.equal(0);
    expect(await count('integration_credentials')).to.equal(0);
  }

  async function begin(): Promise<string> {
    const page = await visitor.post(CONNECT);
    expect(page.status).to.equal(303);
    return page.location ?? '';
  }

  /** Follows the browser back into the hub and gives what the page it lands on says. */
  async function land(back: URL, who = visitor): Promise<{ path: string; html: string; status: number }> {
    const answer = await who.get(back.pathname + back.search);
    if (!answer.location) return { path: back.pathname, html: answer.html, status: answer.status };
    const page = await who.get(answer.location);
    return { path: new URL(answer.location, hub.url).pathname, html: page.html, status: page.status };
  }

  it('goes to the consent page and back, and keeps the grant sealed', async () => {
    const url = await begin();
    expect(new URL(url).searchParams.get('code_challenge_method')).to.equal('S256');
    expect(new URL(url).searchParams.get('redirect_uri')).to.equal(
      `${hub.url}/api/v1/integrations/google_drive/callback`,
    );
    const page = await land(await consent(url, 'Allow'));
    expect(page.path).to.match(/^\/admin\/integrations\/[0-9a-f-]{36}$/);
    expect(page.html).to.contain('sandbox@tributary.example');
    const row = (await hub.context.database.knex('integration_credentials').first('sealed')) as { sealed: string };
    expect(row.sealed).to.match(/^gAAAA/);
    expect(await count('oauth_states')).to.equal(0);
  });

  it('connects the same account again under the same id', async () => {
    await land(await consent(await begin(), 'Allow'));
    const [first] = await hub.context.integrations.list(hub.admin);
    await land(await consent(await begin(), 'Allow'));
    const after = await hub.context.integrations.list(hub.admin);
    expect(after.map(({ id }) => id)).to.deep.equal([first?.id]);
  });

  it('says that access was denied, and keeps nothing', async () => {
    const page = await land(await consent(await begin(), 'Deny'));
    expect(page.html).to.contain('access was denied');
    await expectNothingKept();
  });

  it('says which permission is missing when it was unticked, and keeps nothing', async () => {
    const page = await land(await consent(await begin(), 'Allow', { untick: /drive\.readonly/ }));
    expect(page.html).to.contain('drive.readonly');
    await expectNothingKept();
  });

  it('refuses a forged state', async () => {
    const back = await consent(await begin(), 'Allow');
    back.searchParams.set('state', 'forged');
    const page = await land(back);
    expect(page.html).to.contain('was not begun here');
    await expectNothingKept();
  });

  it('refuses a state that was used before', async () => {
    const back = await consent(await begin(), 'Allow');
    await land(back);
    const again = await land(back);
    expect(again.html).to.contain('was not begun here');
    expect(await count('user_integrations')).to.equal(1);
  });

  it('refuses a state that expired', async () => {
    const back = await consent(await begin(), 'Allow');
    await hub.context.database.knex('oauth_states').update({ expires_at: new Date(Date.now() - 1000) });
    const page = await land(back);
    expect(page.html).to.contain('took over ten minutes');
    await expectNothingKept();
  });

  it('refuses a state in another user’s browser', async () => {
    const back = await consent(await begin(), 'Allow');
    const other = await signInAs(hub.url, 'member@example.com');
    const page = await land(back, other);
    expect(page.html).to.contain('was not begun here');
    await expectNothingKept();
  });

  it('refuses a state in another session of the same user', async () => {
    const back = await consent(await begin(), 'Allow');
    const other = await signInAs(hub.url, 'admin@example.com');
    const page = await land(back, other);
    expect(page.html).to.contain('was not begun here');
    await expectNothingKept();
  });

  it('says that the vendor failed when the code exchange answers 500, and keeps nothing', async () => {
    const back = await consent(await begin(), 'Allow');
    hub.sandbox.google.state.failNext((asked) => asked.includes('token'), { status: 500, body: { error: 'internal' } });
    const page = await land(back);
    expect(page.html).to.match(/Google/);
    expect(page.path).to.equal('/admin/integrations');
    await expectNothingKept();
  });

  it('answers the callback with problem+json where JSON is asked for', async () => {
    const token = await hub.token(hub.admin);
    const answer = await fetch(`${hub.url}/api/v1/integrations/google_drive/callback?code=x&state=forged`, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
    });
    expect(answer.status).to.equal(400);
    expect(answer.headers.get('content-type')).to.match(/^application\/problem\+json/);
    expect(await answer.json()).to.include({ code: 'invalid_state', status: 400 });
  });

  it('tells the vendor at disconnect, and leaves no row behind', async () => {
    await land(await consent(await begin(), 'Allow'));
    const [integration] = await hub.context.integrations.list(hub.admin);
    const yesNo = await visitor.get(`/admin/integrations/${integration?.id}/disconnect`);
    expect(yesNo.html).to.contain('sandbox@tributary.example');
    expect(await count('user_integrations')).to.equal(1);
    const done = await visitor.post(`/admin/integrations/${integration?.id}/disconnect`, { documents: 'delete' });
    expect(done.status).to.equal(303);
    expect(hub.sandbox.google.state.revoked).to.contain('sandbox@tributary.example');
    await expectNothingKept();
  });
});

onOneDatabase('a hub without a Google client', (open) => {
  it('says which settings are missing, on the page and in the API', async () => {
    const hub = await startHub({
      database: await open(),
      env: { GOOGLE_CLIENT_ID: undefined, GOOGLE_CLIENT_SECRET: undefined },
    });
    try {
      const visitor = await signInAs(hub.url, 'admin@example.com');
      expect((await visitor.get('/admin/integrations')).html).to.contain('GOOGLE_CLIENT_ID');
      const answer = await visitor.fetch('/api/v1/integrations/google_drive/connect?format=json');
      expect(answer.status).to.equal(400);
      expect(await answer.json()).to.deep.include({
        code: 'not_configured',
        missing: { clientId: true, clientSecret: true },
      });
    } finally {
      await hub.close();
    }
  });
});
