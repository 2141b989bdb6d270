import { expect } from 'chai';
import type { Connection, Fetch, Provider, TokenSet } from '../../providers/provider.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { connectAccountOf } from '../helpers/connect.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { countTokenCalls, isRevoke, isToken, SERVICES, standIn, type Service } from '../helpers/grants.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { signInAs } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';
import { failureOf } from '../providers/reading.ts';

onEachDatabase('a grant in use', (open) => {
  let hub: TestHub;
  before(async () => {
    hub = await startHub({ database: await open() });
  });
  after(() => hub.close());
  afterEach(async () => {
    for (const { id } of await hub.context.integrations.list(hub.admin))
      await hub.context.integrations.disconnect(hub.admin, id, { documents: 'delete' });
  });

  const expireIn = (ms: number) =>
    hub.context.database.knex('integration_credentials').update({ expires_at: new Date(Date.now() + ms) });
  const providerOf = (service: Service): Provider =>
    hub.context.providers.get(service) ?? expect.fail(`${service} is not configured`);
  const reload = (integration: Integration) => hub.context.integrations.get(hub.admin, integration.id);
  const waitingJobs = async () => {
    const states = ['created', 'retry', 'active'];
    const jobs = hub.context.database.knex('pgboss.job').where({ name: 'follow-changes' }).whereIn('state', states);
    return Number(((await jobs.count('* as n').first()) as { n: string }).n);
  };
  const count = async (table: string) =>
    Number(((await hub.context.database.knex(table).count('* as n').first()) as { n: string }).n);

  for (const service of SERVICES)
    describe(`of ${service}`, () => {
      let integration: Integration;
      let connection: Connection;
      beforeEach(async () => {
        integration = await connectAccountOf(hub, hub.admin, service);
        // With a new account the hub asks by itself where its changes begin, and that would count as well.
        await waitFor('the new account to be followed', async () => (await waitingJobs()) === 0);
        connection = hub.context.connections.open(integration);
      });

      it('that ends in ten seconds is refreshed once for twenty operations that start together', async () => {
        const before = await hub.context.credentials.read(integration.id);
        await expireIn(10_000);
        const calls = countTokenCalls(hub, service);
        const provider = providerOf(service);
        const lists = await Promise.all(Array.from({ length: 20 }, () => provider.roots(connection)));
        expect(lists.every((roots) => roots.length > 0)).to.equal(true);
        expect(calls()).to.equal(1);
        const after = await hub.context.credentials.read(integration.id);
        expect(after?.accessToken.reveal()).to.not.equal(before?.accessToken.reveal());
        expect(after?.refreshToken, 'one that the vendor did not send again is kept').to.not.equal(undefined);
        await expireIn(10_000);
        expect(await provider.roots(connection)).to.deep.equal(lists[0]);
        expect(calls()).to.equal(2);
      });

      it('waits as long as the token endpoint says, and is not dead for that', async () => {
        await expireIn(-1000);
        const calls = countTokenCalls(hub, service);
        standIn(hub, service).failNext(isToken, { status: 429, headers: { 'retry-after': '7' } });
        const provider = providerOf(service);
        const from = Date.now();
        const [first, ...others] = await Promise.all([1, 2, 3].map(() => failureOf(provider.roots(connection))));
        const last = await failureOf(provider.roots(connection));
        for (const error of [first, ...others, last]) {
          expect(error?.kind).to.equal('rate_limited');
          // The database and this process may round to the millisecond in their own ways.
          expect(error?.retryAt?.getTime()).to.be.within(from + 6990, Date.now() + 7000);
        }
        expect(calls()).to.equal(1);
        expect((await reload(integration)).status).to.equal('active');
      });

      it('is not to blame when the vendor refuses the hub’s client, by whatever status', async () => {
        for (const status of [400, 401]) {
          await expireIn(-1000);
          standIn(hub, service).failNext(isToken, { status, body: { error: 'invalid_client' } });
          expect((await failureOf(providerOf(service).roots(connection))).kind).to.equal('misconfigured');
          expect((await reload(integration)).status).to.equal('active');
          const overview = await hub.context.integrations.overview(hub.admin);
          const { problem } = overview.find(({ definition }) => definition.id === service) ?? {};
          expect(problem, 'said once, to the operator').to.match(/_(CLIENT|APP)_SECRET/);
          expect(await providerOf(service).roots(connection)).to.not.be.empty;
          expect(await count('platform_problems')).to.equal(0);
        }
      });

      it('takes a page in place of tokens for a passing fault', async () => {
        await expireIn(-1000);
        const page = {
          status: 200,
          body: '<!doctype html><title>Sign in</title>',
          headers: { 'content-type': 'text/html' },
        };
        standIn(hub, service).failNext(isToken, page);
        const error = await failureOf(providerOf(service).roots(connection));
        expect(error.kind).to.equal('transient');
        expect(error.message).to.not.match(/token </i);
        expect((await reload(integration)).status).to.equal('active');
      });

      it('asks to connect again after one refresh, when the vendor takes the new token as little as the old', async () => {
        const calls = countTokenCalls(hub, service);
        const unauthorized = {
          google_drive: { error: { code: 401, errors: [{ reason: 'authError' }] } },
          microsoft: { error: { code: 'InvalidAuthenticationToken' } },
          dropbox: { error_summary: 'expired_access_token/', error: { '.tag': 'expired_access_token' } },
        }[service];
        const { egress } = hub.context;
        const { fetch } = egress;
        egress.fetch = (input, ...rest) =>
          isToken(new URL(input instanceof Request ? input.url : input).pathname)
            ? fetch(input, ...rest)
            : Promise.resolve(Response.json(unauthorized, { status: 401, headers: { 'www-authenticate': 'Bearer' } }));
        try {
          // One request: of Google's two for its roots, each may have a token refused once.
          expect((await failureOf(providerOf(service).search!(connection, 'fog'))).kind).to.equal('reconnect');
        } finally {
          egress.fetch = fetch;
        }
        expect(calls()).to.equal(1);
        expect((await reload(integration)).status).to.equal('needs_reconnect');
      });

      it('ends here whatever the vendor says of it, with a note where it may go on there', async () => {
        const { manualRevokeUrl } = providerOf(service).definition;
        const answers: { status: number; body?: unknown; headers?: Record<string, string> }[] = [
          { status: 400, body: { error: 'invalid_token' } },
          { status: 401, body: { error_summary: 'invalid_access_token/', error: { '.tag': 'invalid_access_token' } } },
          { status: 403, body: 'no' },
          { status: 404, body: '<p>' },
          { status: 429, headers: { 'retry-after': '600' } },
          { status: 500, body: { error: 'internal' } },
          { status: 200, body: '<p>Sign in', headers: { 'content-type': 'text/html; charset=utf-8' } },
          { status: 302, headers: { location: 'http://127.0.0.1:9/' } },
        ];
        for (const answer of answers) {
          const one = await connectAccountOf(hub, hub.admin, service);
          standIn(hub, service).failNext(isRevoke, answer);
          const outcome = await hub.context.integrations.disconnect(hub.admin, one.id, { documents: 'keep' });
          expect(outcome.revoked === (outcome.manualRevokeUrl === undefined), String(answer.status)).to.equal(true);
          if (!outcome.revoked) expect(outcome.manualRevokeUrl).to.equal(manualRevokeUrl);
          // A token that the vendor does not know any more is no grant; a page in place of an answer says nothing of it.
          if (![400, 401].includes(answer.status)) expect(outcome.revoked, String(answer.status)).to.equal(false);
          expect([await count('user_integrations'), await count('integration_credentials')]).to.deep.equal([0, 0]);
          if (service === 'microsoft') break;
        }
      });

      it('ends here when it is dead already, and when the vendor cannot be reached', async () => {
        await expireIn(-1000);
        standIn(hub, service).failNext(isToken, { status: 400, body: { error: 'invalid_grant' } });
        expect((await failureOf(providerOf(service).roots(connection))).kind).to.equal('reconnect');
        await hub.context.integrations.disconnect(hub.admin, integration.id, { documents: 'keep' });

        const other = await connectAccountOf(hub, hub.admin, service);
        const { egress } = hub.context;
        const { fetch } = egress;
        egress.fetch = () => Promise.reject(new TypeError('fetch failed'));
        try {
          const outcome = await hub.context.integrations.disconnect(hub.admin, other.id, { documents: 'keep' });
          expect(outcome.revoked).to.equal(false);
        } finally {
          egress.fetch = fetch;
        }
        expect([await count('user_integrations'), await count('integration_credentials')]).to.deep.equal([0, 0]);
      });

      it('is said on the page to be ended here and not there', async () => {
        const visitor = await signInAs(hub.url, 'admin@example.com');
        standIn(hub, service).failNext(isRevoke, { status: 500 });
        await visitor.get(`/admin/integrations/${integration.id}/disconnect`);
        const done = await visitor.post(`/admin/integrations/${integration.id}/disconnect`, { documents: 'keep' });
        expect([done.status, done.location]).to.deep.equal([303, '/admin/integrations']);
        const { html } = await visitor.get('/admin/integrations');
        expect(html).to.contain('could not be revoked').and.to.contain(providerOf(service).definition.manualRevokeUrl);
      });

      it('runs by the hub’s own clock, however wrong the vendor’s is', async () => {
        const { refreshToken } = (await hub.context.credentials.read(integration.id)) ?? {};
        if (!refreshToken) throw new Error('no refresh token');
        for (const minutes of [-10, 10, -60 * 24, 60 * 24]) {
          const theirs = new Date(Date.now() + minutes * 60_000);
          const seconds = Math.floor(theirs.getTime() / 1000);
          const skewed: Fetch = async (input, init) => {
            const answer = await hub.context.egress.fetch(input, init);
            const body = (await answer.json()) as Record<string, unknown>;
            const claims = { iat: seconds, nbf: seconds, exp: seconds + 3600 };
            return Response.json(
              {
                ...body,
                ...(typeof body.id_token === 'string' ? { id_token: withClaims(body.id_token, claims) } : {}),
                expires_in: 3600,
              },
              { headers: { date: theirs.toUTCString() } },
            );
          };
          const before = Date.now();
          const tokens: TokenSet = await providerOf(service).auth.refresh(refreshToken, skewed);
          expect(tokens.expiresAt.getTime() - before, `${minutes} minutes`).to.be.within(3_598_000, 3_602_000);
        }
      });
    });
});

/** An id token that says something else of its time. */
function withClaims(token: string, claims: object): string {
  const [head = '', body = '', signature = ''] = token.split('.');
  const said = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
  return [head, Buffer.from(JSON.stringify({ ...said, ...claims })).toString('base64url'), signature].join('.');
}
