import { expect } from 'chai';
import * as schemas from '../../server/api/schemas.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { signInAs } from '../helpers/visitor.ts';
import { answer, openClient, problem, type Client } from './client.ts';

onOneDatabase('the JSON API', (open) => {
  let hub: TestHub;
  let call: Client['call'];
  let tokenOf: Client['tokenOf'];

  before(async () => {
    hub = await startHub({ database: await open() });
    ({ call, tokenOf } = await openClient(hub));
  });
  after(() => hub?.close());

  describe('a caller who is not known', () => {
    it('gets 401 with the way to sign in, whatever is asked for', async () => {
      for (const authorization of ['', 'Bearer trb_unknown', 'Basic YTpi'])
        for (const route of ['/integrations', '/documents', '/nowhere']) {
          const response = await fetch(`${hub.url}/api/v1${route}`, { headers: { authorization } });
          expect(response.headers.get('www-authenticate')).to.equal('Bearer');
          await problem(response, 401, 'unauthenticated');
        }
    });

    it('is sent to sign in when a browser comes back from the vendor', async () => {
      const callback = `${hub.url}/api/v1/integrations/google_drive/callback?code=x&state=y`;
      const page = await fetch(callback, { headers: { accept: 'text/html,*/*;q=0.8' }, redirect: 'manual' });
      expect(page.status).to.equal(303);
      expect(page.headers.get('location')).to.equal('/sign-in');
      await problem(await fetch(callback, { headers: { accept: 'application/json' } }), 401, 'unauthenticated');
    });
  });

  describe('a request', () => {
    it('keeps the id its caller gave it', async () => {
      const response = await call('GET', '/nowhere', { headers: { 'x-request-id': 'my-request-1' } });
      expect((await problem(response, 404, 'not_found')).requestId).to.equal('my-request-1');
    });

    it('with values that do not fit is answered with one entry for each field', async () => {
      const found = await problem(
        await call('POST', '/search', { body: { query: ' ', limit: 51 } }),
        422,
        'invalid_input',
      );
      expect(found.errors?.map(({ field }) => field)).to.deep.equal(['query', 'limit']);
      await problem(await call('GET', '/documents?platform=fax'), 422, 'invalid_input');
      await problem(await call('POST', '/imports', { body: { items: [] } }), 422, 'invalid_input');
    });

    it('whose body is not JSON is refused', async () => {
      const send = (body: string, type: string) =>
        fetch(`${hub.url}/api/v1/search`, {
          method: 'POST',
          headers: { authorization: `Bearer ${tokenOf(hub.admin)}`, 'content-type': type },
          body,
        });
      await problem(await send('{"query":', 'application/json'), 400, 'invalid_json');
      await problem(await send('query=x', 'application/x-www-form-urlencoded'), 415, 'unsupported_media_type');
    });

    it('says how many calls are left in the minute', async () => {
      const response = await call('GET', '/tokens');
      expect(response.headers.get('ratelimit-policy')).to.match(/q=600; w=60/);
      expect(response.headers.get('ratelimit')).to.match(/r=\d+/);
    });

    it('by session needs the CSRF token to change anything', async () => {
      const visitor = await signInAs(hub.url, 'member@example.com');
      const create = (headers: Record<string, string>) =>
        visitor.fetch('/api/v1/tokens', {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
          body: JSON.stringify({ name: 'by session' }),
        });
      await problem(await create({}), 403, 'csrf');
      await answer(await create({ 'x-csrf-token': visitor.csrf() }), 201, schemas.createdTokenAnswer);
      await answer(await visitor.fetch('/api/v1/tokens'), 200, schemas.tokensAnswer);
    });
  });

  describe('accounts', () => {
    it('have API tokens that are shown once, expire and can be deleted', async () => {
      const expiresAt = new Date(Date.now() + 3600_000).toISOString();
      const created = await answer(
        await call('POST', '/tokens', { body: { name: 'nightly', expiresAt } }),
        201,
        schemas.createdTokenAnswer,
      );
      const use = () => fetch(`${hub.url}/api/v1/tokens`, { headers: { authorization: `Bearer ${created.token}` } });
      const listed = await use();
      const text = await listed.clone().text();
      expect(text).not.to.include(created.token);
      const { tokens: all } = await answer(listed, 200, schemas.tokensAnswer);
      expect(all.find(({ id }) => id === created.id)).to.include({ name: 'nightly', expiresAt });
      expect((await call('DELETE', `/tokens/${created.id}`)).status).to.equal(204);
      await problem(await use(), 401, 'unauthenticated');
      await problem(await call('DELETE', `/tokens/${created.id}`), 404, 'not_found');
      expect(hub.logs()).not.to.include(created.token);
    });

    it('are listed and made by admins only', async () => {
      const user = { email: 'new@example.com', name: 'New', password: 'a long enough password' };
      await problem(await call('GET', '/users', { user: hub.member }), 403, 'forbidden');
      await problem(await call('POST', '/users', { user: hub.member, body: user }), 403, 'forbidden');
      const created = await answer(await call('POST', '/users', { body: user }), 201, schemas.userAnswer);
      expect(created).to.include({ email: 'new@example.com', role: 'member' });
      await problem(await call('POST', '/users', { body: user }), 409, 'email_taken');
      const short = await problem(
        await call('POST', '/users', { body: { ...user, password: 'short' } }),
        422,
        'invalid_input',
      );
      expect(short.errors?.map(({ field }) => field)).to.deep.equal(['password']);
      const { users } = await answer(await call('GET', '/users'), 200, schemas.usersAnswer);
      expect(users.map(({ email }) => email)).to.include.members(['admin@example.com', 'new@example.com']);
      expect(hub.logs()).not.to.include(user.password);
    });
  });
});
