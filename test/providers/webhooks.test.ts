import { expect } from 'chai';
import { createProviders } from '../../providers/registry.ts';
import type { StandingWatch, WebhookCall } from '../../providers/provider.ts';
import { parseConfig } from '../../server/config.ts';
import { Secret } from '../../server/secret.ts';

const client = (...names: string[]) => Object.fromEntries(names.map((name) => [name, `a value of ${name}`]));
const { providers } = createProviders(
  parseConfig({
    ...client('GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET', 'MICROSOFT_CLIENT_ID', 'MICROSOFT_CLIENT_SECRET'),
    ...client('DROPBOX_APP_KEY', 'DROPBOX_APP_SECRET', 'ATLASSIAN_CLIENT_ID', 'ATLASSIAN_CLIENT_SECRET'),
  }),
);
const WATCH: StandingWatch = {
  id: 'watch-1',
  feed: 'own',
  data: {},
  secret: new Secret('the secret of an order that stands'),
};

/** What vendors send, with nothing that proves it. */
const HEADERS: Record<string, string>[] = [
  {},
  { 'x-goog-channel-id': 'watch-1', 'x-goog-resource-state': 'change', 'x-goog-channel-token': 'guessed' },
  { 'x-goog-channel-id': 'watch-1', 'x-goog-resource-state': 'change', 'x-goog-channel-token': '' },
  { 'x-dropbox-signature': 'abc' },
  { 'x-dropbox-signature': '0'.repeat(64) },
  { 'x-dropbox-signature': 'é'.repeat(32) },
  { authorization: 'Bearer' },
  { authorization: 'Bearer a.b.c' },
  // Not signed at all, and signed by nobody.
  { authorization: `Bearer ${base64({ alg: 'none' })}.${base64({ iss: 'jira', exp: 4_000_000_000 })}.` },
  { authorization: `Bearer ${base64({ alg: 'HS256' })}.${base64({ iss: 'jira', exp: 4_000_000_000 })}.c2ln` },
];
const BODIES: string[] = [
  '',
  'null',
  '[]',
  '"text"',
  '{',
  '{"value":null}',
  '{"value":[null,1,{"subscriptionId":1}]}',
  '{"value":[{"subscriptionId":"watch-1","clientState":"guessed"}]}',
  '{"value":[{"subscriptionId":"watch-1"}]}',
  '{"list_folder":{"accounts":["dbid:AAA"]}}',
  '{"list_folder":{"accounts":{}}}',
  '{"webhookEvent":"jira:issue_updated","matchedWebhookIds":["watch-1",1000]}',
  '{"__proto__":{"kind":"news"},"value":[{"subscriptionId":"__proto__","clientState":"toString"}]}',
  '['.repeat(100_000),
];

function base64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

const calls = function* (): Generator<WebhookCall> {
  for (const method of ['POST', 'GET'] as const)
    for (const headers of HEADERS)
      for (const body of BODIES) yield { method, query: {}, headers, body: Buffer.from(body) };
};

describe('calls that nobody should believe', () => {
  const hooked = [...providers.values()].filter(({ webhooks }) => webhooks);

  it('can come for each service that makes calls', () => {
    expect(hooked.map(({ definition }) => definition.id)).to.include('google_drive');
  });

  for (const { definition, webhooks } of hooked)
    it(`are refused by ${definition.label}, whatever they hold`, async () => {
      for (const call of calls())
        for (const watches of [[], [WATCH]]) {
          const verdict = await webhooks?.receive(call, watches);
          const shown = `${call.method} ${JSON.stringify(call.headers)} ${call.body.toString().slice(0, 100)}`;
          expect(verdict?.kind, shown).to.equal('refused');
        }
    });

  for (const { definition, webhooks } of hooked)
    it(`give ${definition.label} nothing back but the text of a handshake`, async () => {
      const text = '<script>alert(1)</script> Validation: Testing 123';
      for (const method of ['GET', 'POST'] as const)
        for (const name of ['challenge', 'validationToken', 'hub.challenge'])
          for (const watches of [[], [WATCH]]) {
            const call = { method, query: { [name]: text }, headers: {}, body: Buffer.alloc(0) };
            const verdict = await webhooks?.receive(call, watches);
            if (verdict?.kind === 'handshake') expect(verdict.text).to.equal(text);
            else expect(verdict?.kind, `${method} ${name}`).to.equal('refused');
          }
    });
});
