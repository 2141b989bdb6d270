import { expect } from 'chai';
import { onOneDatabase } from '../helpers/database.ts';
import { countTokenCalls, SERVICES, type Service } from '../helpers/grants.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { signInAs, type Visitor } from '../helpers/visitor.ts';

/** What vendors send back in place of a code, what the person reads then, and the API's word for it. */
const ANSWERS: [error: string, words: RegExp, code: string][] = [
  ['access_denied', /was not connected, because access was denied\. Connect again and choose “Allow”/, 'access_denied'],
  ['consent_required', /organisation has to approve this app/, 'admin_consent_required'],
  ['interaction_required', /organisation has to approve this app/, 'admin_consent_required'],
  ['admin_policy_enforced', /organisation has to approve this app/, 'admin_consent_required'],
  ['org_internal', /organisation has to approve this app/, 'admin_consent_required'],
  ['login_required', /asks you to sign in there first/, 'login_required'],
  ['server_error', /has a fault just now\. Try again in a few minutes/, 'vendor_unavailable'],
  ['temporarily_unavailable', /has a fault just now\. Try again in a few minutes/, 'vendor_unavailable'],
  ['unauthorized_client', /\(unauthorized_client\).*settings of this hub/, 'vendor_refused'],
  ['invalid_scope', /\(invalid_scope\).*settings of this hub/, 'vendor_refused'],
  ['never_heard_of', /\(never_heard_of\).*settings of this hub/, 'vendor_refused'],
  ['<script>alert(1)</script>', /\(scriptalert1script\)/, 'vendor_refused'],
];
const NOT_BEGUN = /was not begun here/;

onOneDatabase('a consent that the vendor refused', (open) => {
  let hub: TestHub;
  let visitor: Visitor;
  let headers: Record<string, string>;
  before(async () => {
    hub = await startHub({ database: await open() });
    visitor = await signInAs(hub.url, 'admin@example.com');
    headers = { authorization: `Bearer ${await hub.token(hub.admin)}`, accept: 'application/json' };
  });
  after(() => hub.close());

  const stateOf = (url: string | undefined) => new URL(url ?? '').searchParams.get('state') ?? '';
  const answered = (state: string, error: string): string =>
    new URLSearchParams({ state, error, error_description: 'hunter2 <b>', code: 'smuggled' }).toString();
  const expectNothingKept = async (what: string) => {
    for (const table of ['oauth_states', 'user_integrations', 'integration_credentials'])
      expect(await hub.context.database.knex(table).first(), `${table}: ${what}`).to.equal(undefined);
  };

  /** What the integrations page says to somebody who comes back with this. */
  async function landing(service: Service, query: string): Promise<string> {
    const answer = await visitor.get(`/api/v1/integrations/${service}/callback?${query}`);
    expect([answer.status, answer.location], query).to.deep.equal([303, '/admin/integrations']);
    return (await visitor.get('/admin/integrations')).html;
  }

  for (const service of SERVICES) {
    it(`is told on the page, each cause with its own next step, whatever ${service} answers`, async () => {
      const calls = countTokenCalls(hub, service);
      const label = hub.context.providers.get(service)?.definition.label ?? '';
      for (const [error, words, code] of ANSWERS) {
        const begun = await visitor.post(`/admin/integrations/connect/${service}`);
        const query = answered(stateOf(begun.location), error);
        const html = await landing(service, query);
        expect(html, error).to.match(words).and.to.contain(label);
        for (const [, others, another] of ANSWERS) if (another !== code) expect(html, error).to.not.match(others);
        expect(html).to.not.contain('hunter2').and.to.not.contain('<script>alert');
        await expectNothingKept(error);
        expect(await landing(service, query), 'a state is good once').to.match(NOT_BEGUN);
      }
      expect(calls()).to.equal(0);
      expect(hub.logs()).to.not.contain('hunter2');
    });

    it(`is told to scripts by a code of its own, whatever ${service} answers`, async () => {
      const calls = countTokenCalls(hub, service);
      const path = `${hub.url}/api/v1/integrations/${service}`;
      for (const [error, words, code] of ANSWERS) {
        const begun = (await (await fetch(`${path}/connect?format=json`, { headers })).json()) as { url: string };
        const query = answered(stateOf(begun.url), error);
        const ask = async (): Promise<{ code: string; detail: string }> => {
          const problem = await fetch(`${path}/callback?${query}`, { headers });
          expect(problem.status, error).to.equal(400);
          expect(problem.headers.get('content-type')).to.match(/^application\/problem\+json/);
          return (await problem.json()) as { code: string; detail: string };
        };
        const said = await ask();
        expect(said, error).to.include({ code, status: 400 });
        expect(said.detail).to.match(words).and.to.not.contain('hunter2');
        await expectNothingKept(error);
        expect(await ask(), 'a state is good once').to.include({ code: 'invalid_state' });
      }
      expect(calls()).to.equal(0);
    });
  }

  it('is not told by parameters that come twice', async () => {
    const begun = await visitor.post('/admin/integrations/connect/google_drive');
    const state = stateOf(begun.location);
    const calls = countTokenCalls(hub, 'google_drive');
    for (const query of [`state=${state}&state=${state}&code=a`, `state=${state}&code=a&code=b`, 'state[a]=b&code=c']) {
      const answer = await visitor.get(`/api/v1/integrations/google_drive/callback?${query}`);
      expect(answer.location).to.equal('/admin/integrations');
    }
    expect(calls()).to.equal(0);
  });
});
