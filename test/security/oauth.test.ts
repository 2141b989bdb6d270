import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { AppError } from '../../server/errors.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { beginGrant, connectAccountOf, consent, endGrant } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { countTokenCalls, isToken, SERVICES, standIn, watchEgress, type Service } from '../helpers/grants.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';

onOneDatabase('a grant', (open) => {
  let hub: TestHub;
  let emails: [string, string];
  before(async () => {
    hub = await startHub({ database: await open() });
    const [first, second] = standIn(hub, 'google_drive').accounts;
    emails = [first?.email ?? '', second?.email ?? ''];
  });
  after(() => hub.close());
  afterEach(async () => {
    for (const user of [hub.admin, hub.member])
      for (const { id } of await hub.context.integrations.list(user))
        await hub.context.integrations.disconnect(user, id, { documents: 'delete' });
  });

  const count = async (table: string) =>
    Number(((await hub.context.database.knex(table).count('* as n').first()) as { n: string }).n);
  const codeOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'connected',
      (error: unknown) => (error instanceof AppError ? error.code : String(error)),
    );
  const list = (service: Service) =>
    hub.context.integrations.list(hub.admin).then((all) => all.filter(({ platform }) => platform === service));
  const sealed = async (id: string) =>
    (
      (await hub.context.database.knex('integration_credentials').where({ integration_id: id }).first('sealed')) as
        { sealed: string } | undefined
    )?.sealed;

  const rowOf = ({ id }: Integration): Promise<unknown> =>
    hub.context.database.knex('user_integrations').where({ id }).first();

  for (const service of SERVICES)
    describe(`of ${service}`, () => {
      it('is asked for with the challenge of a fresh verifier, which goes with the secret into the body of one token call', async () => {
        const watched = watchEgress(hub);
        try {
          const verifiers = new Set<string>();
          const states = new Set<string>();
          for (let times = 0; times < 3; times++) {
            const { url, query } = await beginGrant(hub, hub.admin, service);
            const from = watched.sent.length;
            await endGrant(hub, hub.admin, service, query);
            const asked = new URL(url).searchParams;
            const calls = watched.sent.slice(from).filter((sent) => isToken(sent.url.pathname));
            const [call] = calls;
            expect(calls).to.have.length(1);
            expect(call?.url.search, 'nothing of it stands in an address').to.not.match(/secret|verifier|code=|token=/);
            const form = Object.fromEntries(call?.form ?? []);
            const { clientSecret } = hub.context.config[service === 'google_drive' ? 'google' : service];
            expect(form.client_secret).to.equal(clientSecret?.reveal());
            const verifier = form.code_verifier ?? '';
            expect(verifier).to.match(/^[A-Za-z0-9._~-]{43,128}$/);
            expect(asked.get('code_challenge')).to.equal(createHash('sha256').update(verifier).digest('base64url'));
            expect(asked.get('code_challenge')).to.match(/^[A-Za-z0-9_-]{43}$/);
            expect(asked.get('code_challenge_method')).to.equal('S256');
            expect(url).to.not.contain(verifier);
            verifiers.add(verifier);
            states.add(asked.get('state') ?? '');
          }
          expect([verifiers.size, states.size]).to.deep.equal([3, 3]);
          for (const state of states) expect(state).to.match(/^[\w-]{43,}$/);
        } finally {
          watched.restore();
        }
      });

      it('names one redirect URI at both legs, though the hub’s own address changes in between', async () => {
        const watched = watchEgress(hub);
        const { config } = hub.context;
        const { baseUrl } = config;
        try {
          const { url, back, query } = await beginGrant(hub, hub.admin, service);
          config.baseUrl = 'https://hub.example.com';
          await endGrant(hub, hub.admin, service, query);
          const expected = `${baseUrl}/api/v1/integrations/${service}/callback`;
          const call = watched.sent.find((sent) => isToken(sent.url.pathname));
          expect([
            new URL(url).searchParams.get('redirect_uri'),
            back.origin + back.pathname,
            call?.form.get('redirect_uri'),
          ]).to.deep.equal([expected, expected, expected]);
        } finally {
          config.baseUrl = baseUrl;
          watched.restore();
        }
      });

      it('goes on in each of two browser tabs, in whatever order they come back', async () => {
        const first = await beginGrant(hub, hub.admin, service, { email: emails[0] });
        const second = await beginGrant(hub, hub.admin, service, { email: emails[1] });
        await endGrant(hub, hub.admin, service, second.query);
        await endGrant(hub, hub.admin, service, first.query);
        expect((await list(service)).map(({ accountEmail }) => accountEmail).sort()).to.deep.equal([...emails].sort());
      });

      it('is refused when the tabs’ states are crossed, and nothing is kept of it', async () => {
        const first = await beginGrant(hub, hub.admin, service, { email: emails[0] });
        const second = await beginGrant(hub, hub.admin, service, { email: emails[1] });
        const calls = countTokenCalls(hub, service);
        const crossed = { ...first.query, state: second.query.state };
        // Both states are this session's own, so only the verifier can tell: the vendor does.
        expect(await codeOf(endGrant(hub, hub.admin, service, crossed))).to.equal('code_refused');
        expect(calls()).to.equal(1);
        // A state is good once, and each of the codes was used up or has lost its verifier.
        expect(await codeOf(endGrant(hub, hub.admin, service, crossed))).to.equal('invalid_state');
        expect(await codeOf(endGrant(hub, hub.admin, service, second.query))).to.equal('invalid_state');
        expect(await codeOf(endGrant(hub, hub.admin, service, first.query))).to.equal('code_refused');
        expect(calls()).to.equal(2);
        expect([await count('user_integrations'), await count('integration_credentials')]).to.deep.equal([0, 0]);
      });

      it('is refused without a token call when the state belongs to another service, session or user, and stays good', async () => {
        const { query } = await beginGrant(hub, hub.admin, service);
        const other = SERVICES.find((one) => one !== service) ?? service;
        const counters = SERVICES.map((one) => countTokenCalls(hub, one));
        const { grants } = hub.context;
        const elsewhere = { sessionId: 'another session', query };
        expect(await codeOf(endGrant(hub, hub.admin, other, query))).to.equal('invalid_state');
        expect(await codeOf(grants.finish(hub.admin, service, elsewhere))).to.equal('invalid_state');
        expect(await codeOf(endGrant(hub, hub.member, service, query))).to.equal('invalid_state');
        for (const state of [undefined, '', 'forged', `${query.state}x`])
          expect(await codeOf(endGrant(hub, hub.admin, service, { ...query, state }))).to.equal('invalid_state');
        expect(counters.map((calls) => calls())).to.deep.equal([0, 0, 0]);
        expect(await codeOf(endGrant(hub, hub.admin, service, query))).to.equal('connected');
      });

      it('is taken once when the browser comes back many times at once', async () => {
        const { query } = await beginGrant(hub, hub.admin, service);
        const calls = countTokenCalls(hub, service);
        const outcomes = await Promise.all(
          Array.from({ length: 8 }, () => codeOf(endGrant(hub, hub.admin, service, query))),
        );
        expect(outcomes.sort()).to.deep.equal(['connected', ...Array.from({ length: 7 }, () => 'invalid_state')]);
        expect(calls()).to.equal(1);
      });

      it('that was declined is no fault: nobody is asked for a token, with or without a code beside the error', async () => {
        const calls = countTokenCalls(hub, service);
        for (const more of [{}, { code: 'smuggled' }]) {
          const { url } = await hub.context.grants.start(hub.admin, service, {
            sessionId: `session of ${hub.admin.id}`,
          });
          const back = await consent(url, 'Deny');
          const state = back.searchParams.get('state') ?? undefined;
          const error = back.searchParams.get('error') ?? undefined;
          expect(error).to.equal('access_denied');
          expect(await codeOf(endGrant(hub, hub.admin, service, { state, error, ...more }))).to.equal('access_denied');
          expect(await codeOf(endGrant(hub, hub.admin, service, { state, code: 'later' }))).to.equal('invalid_state');
        }
        expect(calls()).to.equal(0);
      });

      it('without a code and without an error asks nobody for a token', async () => {
        const { query } = await beginGrant(hub, hub.admin, service);
        const calls = countTokenCalls(hub, service);
        expect(await codeOf(endGrant(hub, hub.admin, service, { state: query.state }))).to.equal('missing_code');
        expect(calls()).to.equal(0);
      });

      it('of the same account comes back under the same id, though its address has changed meanwhile', async () => {
        const first = await connectAccountOf(hub, hub.admin, service, { email: emails[0] });
        const account = standIn(hub, service).accounts.find(({ email }) => email === emails[0]);
        if (!account) throw new Error('no such account');
        const renamed = emails[0].replace('@', '.new@');
        account.email = renamed;
        try {
          const again = await connectAccountOf(hub, hub.admin, service, { email: renamed });
          expect(again.id).to.equal(first.id);
          expect(again.accountEmail).to.equal(renamed);
          expect(await list(service)).to.have.length(1);
        } finally {
          account.email = emails[0];
        }
      });

      it('stands beside others of the same service, each with an account and tokens of its own', async () => {
        const made = [];
        for (const email of emails) made.push(await connectAccountOf(hub, hub.admin, service, { email }));
        const own = await connectAccountOf(hub, hub.member, service, { email: emails[0] });
        expect(new Set([...made, own].map(({ id }) => id)).size).to.equal(3);
        expect(await list(service)).to.have.length(2);
        const provider = hub.context.providers.get(service);
        for (const integration of [...made, own]) {
          const who = await provider?.auth.identify(hub.context.connections.open(integration));
          expect(who).to.include({ id: integration.accountId, email: integration.accountEmail });
        }
        const [first, second] = made;
        await hub.context.integrations.disconnect(hub.admin, first?.id ?? '', { documents: 'delete' });
        expect((await list(service)).map(({ id }) => id)).to.deep.equal([second?.id]);
        const left = await provider?.roots(hub.context.connections.open(second ?? own));
        expect(left).not.to.be.empty;
      });

      it('that is given again leaves the others of the same service alone, each with a space of its own', async () => {
        const [first, second] = await Promise.all(
          emails.map((email) => connectAccountOf(hub, hub.admin, service, { email })),
        );
        if (!first || !second) throw new Error('two accounts were to be connected');
        const names = async ({ id }: Integration): Promise<string[]> => {
          const [own] = (await hub.context.browse.list(hub.admin, id, {})).items;
          return (await hub.context.browse.list(hub.admin, id, { ref: own?.ref })).items.map(({ name }) => name);
        };
        const before = [await names(first), await names(second)];
        expect(before[0]).to.not.be.empty.and.not.deep.equal(before[1]);
        const kept = [await sealed(second.id), await rowOf(second)];
        const given = await sealed(first.id);

        const again = await connectAccountOf(hub, hub.admin, service, { email: emails[0], integrationId: first.id });
        expect(again.id).to.equal(first.id);
        expect(await sealed(first.id)).to.not.equal(given);
        expect([await sealed(second.id), await rowOf(second)]).to.deep.equal(kept);
        expect([await names(first), await names(second)]).to.deep.equal(before);
      });

      it('of another account than the one to be connected again is refused, and the first one’s stays as it was', async () => {
        const integration = await connectAccountOf(hub, hub.admin, service, { email: emails[0] });
        const before = await sealed(integration.id);
        const integrationId = integration.id;
        const { query } = await beginGrant(hub, hub.admin, service, { email: emails[1], integrationId });
        const error: unknown = await endGrant(hub, hub.admin, service, query).catch((e: unknown) => e);
        expect(error).to.be.instanceOf(AppError);
        expect((error as AppError).code).to.equal('account_mismatch');
        expect((error as AppError).message)
          .to.contain(emails[0])
          .and.to.contain(emails[1]);
        expect((await list(service)).map(({ id, accountEmail }) => [id, accountEmail])).to.deep.equal([
          [integration.id, emails[0]],
        ]);
        expect(await sealed(integration.id)).to.equal(before);
        const again = await connectAccountOf(hub, hub.admin, service, { email: emails[0], integrationId });
        expect(again.id).to.equal(integration.id);
      });

      it('cannot be begun for somebody else’s integration', async () => {
        const { id: integrationId } = await connectAccountOf(hub, hub.member, service);
        const sessionId = `session of ${hub.admin.id}`;
        const begun = hub.context.grants.start(hub.admin, service, { sessionId, integrationId });
        expect(await codeOf(begun)).to.equal('not_found');
        expect(await count('oauth_states')).to.equal(0);
      });
    });
});
