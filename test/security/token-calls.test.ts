import { expect } from 'chai';
import type { Fetch } from '../../providers/provider.ts';
import { beginGrant, connectAccountOf, endGrant } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { SERVICES, type Service } from '../helpers/grants.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { keepLogs } from '../helpers/kept-logs.ts';
import { signInAs } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

/** What a vendor, or something on the way to it, may answer with the secrets it was sent quoted in it. */
type Hostile = { name: string; answer(quoted: string): Response };

const json = (status: number, body: unknown): Response => Response.json(body, { status });
const text = (status: number, body: string, type: string): Response =>
  new Response(body, { status, headers: { 'content-type': type } });

const HOSTILE: Hostile[] = [
  ...['invalid_grant', 'invalid_client', 'invalid_request', 'interaction_required', 'temporarily_unavailable'].flatMap(
    (error) =>
      [400, 401, 403].map((status) => ({
        name: `${status} ${error}`,
        answer: (quoted: string) =>
          json(status, { error, error_description: quoted, error_uri: `https://x.example/?${quoted}`, claims: quoted }),
      })),
  ),
  { name: '400, all in the error', answer: (quoted) => json(400, { error: quoted, suberror: quoted }) },
  { name: '400, a text', answer: (quoted) => text(400, `Bad parameters: ${quoted}`, 'text/plain') },
  { name: '400, a short text', answer: (quoted) => text(400, quoted, 'text/plain') },
  { name: '400, a text as JSON', answer: (quoted) => json(400, quoted) },
  {
    name: '400, as the API words it',
    answer: (q) => json(400, { error: { message: q, code: q, errors: [{ reason: q }] } }),
  },
  { name: '409, as the API words it', answer: (q) => json(409, { error_summary: q, error: { '.tag': q } }) },
  {
    name: '401, a missing permission',
    answer: (q) => json(401, { error: { '.tag': 'missing_scope', required_scope: q } }),
  },
  { name: '403, a page', answer: (quoted) => text(403, `<pre>${quoted}</pre>`, 'text/html') },
  { name: '429', answer: (quoted) => json(429, { error: 'slow_down', error_description: quoted }) },
  { name: '500', answer: (quoted) => text(500, `<pre>${quoted}</pre>`, 'text/html') },
  { name: '502, JSON', answer: (quoted) => json(502, { error: { message: quoted } }) },
  { name: '200, a page', answer: (quoted) => text(200, `<pre>${quoted}</pre>`, 'text/html') },
  { name: '200, broken JSON', answer: (quoted) => text(200, `{"access_token": ${quoted}`, 'application/json') },
  { name: '200, no token', answer: (quoted) => json(200, { error: quoted, error_description: quoted, scope: quoted }) },
  {
    name: '200, a token of another type',
    answer: (quoted) => json(200, { access_token: [quoted], expires_in: quoted }),
  },
  {
    name: '200, a token that no header can carry',
    answer: (quoted) =>
      json(200, { access_token: `a\n${quoted}`, refresh_token: quoted, expires_in: 3600, token_type: 'Bearer' }),
  },
  {
    name: 'a redirect',
    answer: (quoted) => new Response(null, { status: 307, headers: { location: `https://x.example/?${quoted}` } }),
  },
  {
    name: 'a broken line, with the request hung on the error',
    answer: (quoted) => {
      const cause = Object.assign(new Error('socket hang up'), { request: { body: quoted }, config: quoted });
      throw Object.assign(new TypeError('fetch failed', { cause }), { options: { body: quoted }, body: quoted });
    },
  },
];

onOneDatabase('a failing token call', (open) => {
  let hub: TestHub;
  before(async () => {
    hub = await startHub({ database: await open(), env: { LOG_LEVEL: 'trace' } });
  });
  after(() => hub.close());
  afterEach(() => disconnectAll());

  async function disconnectAll(): Promise<void> {
    for (const { id } of await hub.context.integrations.list(hub.admin))
      await hub.context.integrations.disconnect(hub.admin, id, { documents: 'delete' });
  }

  /** Everything an error would put into a log, causes included. */
  function logged(error: unknown): string {
    const { logger, logs } = keepLogs('trace');
    logger.error({ err: error }, 'failed');
    return logs();
  }

  /** Answers everything that leaves the hub in this way; gives what was sent and must not be seen again. */
  async function under(
    hostile: Hostile,
    work: () => Promise<unknown>,
  ): Promise<{ secrets: Set<string>; calls: number }> {
    const { egress } = hub.context;
    const { fetch } = egress;
    const secrets = new Set<string>();
    let calls = 0;
    const answer: Fetch = (input, init) => {
      calls += 1;
      const body = init?.body;
      const form = new URLSearchParams(
        body instanceof URLSearchParams ? body.toString() : typeof body === 'string' ? body : '',
      );
      for (const [name, value] of form)
        if (/^(code|code_verifier|client_secret|refresh_token|access_token|token)$/.test(name)) secrets.add(value);
      const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
      const bearer = headers.get('authorization') ?? '';
      if (bearer !== '') secrets.add(bearer.replace('Bearer ', ''));
      return Promise.resolve(hostile.answer([...secrets, form.toString(), bearer].join(' ')));
    };
    egress.fetch = answer;
    try {
      await work();
    } finally {
      egress.fetch = fetch;
    }
    return { secrets, calls };
  }

  const failureOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => expect.fail('it should have failed'),
      (error: unknown) => error,
    );

  /** What is kept or shown of a failure, besides the log. */
  async function traces(): Promise<string> {
    const { knex } = hub.context.database;
    const rows = [
      await knex('user_integrations').select('status_detail', 'account_email', 'account_name', 'account_id', 'scopes'),
      await knex('platform_problems').select('detail'),
    ];
    return JSON.stringify(rows);
  }

  function expectNone(secrets: Set<string>, text: string, what: string): void {
    expect(secrets, what).not.to.be.empty;
    for (const secret of secrets)
      for (const form of [secret, encodeURIComponent(secret)]) {
        // A part would be as bad: texts are cut somewhere.
        const at = text.indexOf(form.slice(0, 14));
        expect(at < 0, `${what}: ${text.slice(Math.max(0, at - 200), at + 60)}`).to.equal(true);
      }
  }

  async function expectSilence(what: string, hostile: Hostile, work: () => Promise<unknown>): Promise<void> {
    const from = hub.logs().length;
    let error: unknown;
    const { secrets, calls } = await under(hostile, async () => {
      error = await failureOf(work());
    });
    expect(calls, `${what}, ${hostile.name}`).to.be.greaterThan(0);
    const message = error instanceof Error ? error.message : String(error);
    expectNone(
      secrets,
      [message, logged(error), hub.logs().slice(from), await traces()].join('\n'),
      `${what}, ${hostile.name}`,
    );
  }

  const expire = () => hub.context.database.knex('integration_credentials').update({ expires_at: new Date(0) });
  /** Connected anew: a pause or a verdict of the last answer ends with the integration. */
  const connect = async (service: Service) => {
    await disconnectAll();
    const integration = await connectAccountOf(hub, hub.admin, service);
    // A job asks for the place in the changes; no call of its may be taken for one of the test's.
    await waitFor('the place in the changes', async () => {
      const { knex } = hub.context.database;
      return (await knex('change_feeds').where({ integration_id: integration.id }).first('feed')) && true;
    });
    return integration;
  };

  for (const service of SERVICES)
    describe(`of ${service}`, () => {
      it('shows nothing of what it carried when a code is exchanged', async () => {
        for (const hostile of HOSTILE) {
          const { query } = await beginGrant(hub, hub.admin, service);
          await expectSilence('exchange', hostile, () => endGrant(hub, hub.admin, service, query));
        }
        expect(await hub.context.integrations.list(hub.admin)).to.deep.equal([]);
      });

      it('shows nothing of what it carried when a grant is refreshed', async () => {
        for (const hostile of HOSTILE) {
          const integration = await connect(service);
          await expire();
          const provider = hub.context.providers.get(service);
          if (!provider) throw new Error('not configured');
          await expectSilence('refresh', hostile, () => provider.roots(hub.context.connections.open(integration)));
        }
      });

      it('shows nothing of the token when the account is asked who it is', async () => {
        const provider = hub.context.providers.get(service);
        for (const hostile of HOSTILE) {
          const integration = await connect(service);
          const tokens = await hub.context.credentials.read(integration.id);
          if (!tokens || !provider) throw new Error('not connected');
          const connection = hub.context.connections.openWith(tokens);
          await expectSilence('identify', hostile, () => provider.auth.identify(connection));
        }
      });

      it('shows nothing of what it carried when a grant is ended', async () => {
        for (const hostile of HOSTILE) {
          const integration = await connect(service);
          await expire();
          const from = hub.logs().length;
          const { secrets, calls } = await under(hostile, () =>
            hub.context.integrations.disconnect(hub.admin, integration.id, { documents: 'delete' }),
          );
          if (hub.context.providers.get(service)?.auth.revoke)
            expectNone(secrets, hub.logs().slice(from), `disconnect, ${hostile.name}`);
          else expect(calls).to.equal(0);
        }
        expect(await hub.context.integrations.list(hub.admin)).to.deep.equal([]);
      });

      it('shows nothing of it on the pages either', async () => {
        const visitor = await signInAs(hub.url, 'admin@example.com');
        for (const hostile of HOSTILE) {
          const begun = await visitor.post(`/admin/integrations/connect/${service}`);
          const state = new URL(begun.location ?? '').searchParams.get('state') ?? '';
          const query = new URLSearchParams({ state, code: 'a-code-of-thirty-two-characters-' });
          const { secrets } = await under(hostile, async () => {
            const answer = await visitor.get(`/api/v1/integrations/${service}/callback?${query.toString()}`);
            expect([answer.status, answer.location]).to.deep.equal([303, '/admin/integrations']);
          });
          const { html } = await visitor.get('/admin/integrations');
          expectNone(secrets, html, `page, ${hostile.name}`);
        }
        expect(hub.logs()).to.not.contain('a-code-of-thirty-two-characters-');
      });
    });
});
