import { startAtlassianSandbox, type AtlassianSandbox } from '../../providers/atlassian/sandbox.ts';
import { createSite, personOf } from '../../providers/atlassian/sandbox-sites.ts';
import type { AtlassianSite } from '../../providers/atlassian/sandbox-world.ts';
import { createJira, jiraDefinition } from '../../providers/jira/index.ts';
import type { JiraState } from '../../providers/jira/sandbox-state.ts';
import type { Connection, Fetch, Provider } from '../../providers/provider.ts';
import { parseConfig } from '../../server/config.ts';
import { createEgress, hostsOf, type Egress } from '../../server/egress/egress.ts';
import { Secret } from '../../server/secret.ts';
import type { Vendor } from './contract.ts';
import { connectionWith } from './reading.ts';

export const CLIENT = { clientId: 'client-1', clientSecret: 'hunter2-client-secret' };
export const ANN = 'ann@tributary.example';
export const BEN = 'ben@tributary.example';
export const REDIRECT_URI = 'http://localhost:3000/api/v1/integrations/jira/callback';

const accounts = [
  { id: '1', email: ANN, name: 'Ann Oster', spaces: [] },
  { id: '2', email: BEN, name: 'Ben Weir', spaces: [] },
];
const [ann, ben] = accounts.map(personOf) as [ReturnType<typeof personOf>, ReturnType<typeof personOf>];
const at = new Date('2026-05-01T10:00:00Z');

/** A site with everything that Jira can show, in projects whose keys are words of its query language. */
export function harbour(): AtlassianSite & { jira: JiraState } {
  const site = createSite({ name: 'harbour', people: [ann, ben], products: ['jira'] });
  const { jira } = site;
  if (!jira) throw new Error('The site has no Jira.');
  jira.addProject({ key: 'AND', name: 'Anders', issues: 130 });
  jira.addProject({ key: 'EMPTY', name: 'Empty' });
  jira.addProject({ key: 'GONE', name: 'Archive', issues: 3, archived: at });
  jira.addProject({ key: 'OR', name: 'Orca "quoted" \\ & more' });
  const epic = jira.addIssue('OR', { summary: 'Berths', type: 'Epic', created: at });
  const crash = jira.addIssue('OR', {
    summary: 'Crash at / <berth> 7: "Übersicht" 日本',
    type: 'Bug',
    description: '# Steps\n\nA **kittiwake** sits on `pier()`.\n\n- one\n- two',
    assignee: ben,
    labels: ['pier', 'birds'],
    sprint: 'Sprint 7',
    ship: 'Curlew',
    due: '2026-06-01',
    parent: epic,
    created: at,
  });
  jira.addLink(epic, 'Blocks', crash);
  jira.addAttachment(crash, { filename: 'log.txt', mimeType: 'text/plain', bytes: Buffer.from('A log.'), created: at });
  jira.addAttachment(crash, {
    filename: 'Übersicht – 日本.pdf',
    mimeType: 'application/pdf',
    bytes: Buffer.alloc(200_000, 'pdf'),
    created: at,
  });
  jira.addAttachment(crash, { filename: 'Nothing.txt', mimeType: 'text/plain', bytes: Buffer.alloc(0), created: at });
  for (let number = 1; number <= 130; number += 1)
    jira.addComment(epic, { author: ben, body: `Comment ${number} ends.`, created: new Date(at.getTime() + number) });
  return { ...site, jira };
}

/** Another site, whose ids are those of the first. */
export function quay(): AtlassianSite & { jira: JiraState } {
  const site = createSite({ name: 'quay', people: [ann], products: ['jira'] });
  if (!site.jira) throw new Error('The site has no Jira.');
  site.jira.addProject({ key: 'QUAY', name: 'Quay', issues: 3 });
  return { ...site, jira: site.jira };
}

export type World = {
  sandbox: AtlassianSandbox;
  egress: Egress;
  provider: Provider;
  misconfigured: Provider;
  /** What the provider fetches with; everything else goes round it. */
  fetch: Fetch;
  connect(email?: string, scopes?: string[]): Connection;
  /** As the form of an API token connects. Errors: those of `connectWithToken`. */
  connectByToken(typed: { baseUrl: string; email: string; apiToken: string }): Promise<Connection>;
  close(): Promise<void>;
};

/** Stand-in, guarded fetch and provider. `through` may watch what the provider fetches. */
export async function startWorld(
  sites: AtlassianSite[],
  through: (fetch: Fetch) => Fetch = (fetch) => fetch,
): Promise<World> {
  const sandbox = await startAtlassianSandbox({ accounts, sites, ...CLIENT });
  const config = parseConfig(sandbox.env);
  const { hosts } = jiraDefinition;
  const egress = createEgress({ allowedHosts: hostsOf(config, hosts), vendorHosts: hosts });
  const fetch = through((input, init) => egress.fetch(input, init));
  const provider = createJira(config.jira);
  return {
    sandbox,
    egress,
    fetch,
    provider,
    misconfigured: createJira({ ...config.jira, clientSecret: new Secret('another secret') }),
    connect: (email = ANN, scopes) => connectionWith(fetch, new Secret(sandbox.state.issue(email, scopes).accessToken)),
    async connectByToken(typed) {
      const connected = await provider.connectWithToken?.('api_token', typed, fetch);
      if (!connected) throw new Error('The provider takes no tokens.');
      const authorization = `Basic ${connected.accessToken.reveal()}`;
      return {
        integrationId: 'integration-by-token',
        accountId: connected.account.id,
        site: connected.site,
        fetch: (input, init) =>
          fetch(input, { ...init, headers: { ...Object.fromEntries(new Headers(init?.headers)), authorization } }),
      };
    },
    async close() {
      await egress.close();
      await sandbox.close();
    },
  };
}

/** Plays a person at the stand-in's consent page, who lets the app use all sites; gives where the browser is sent. */
async function consent(url: string, email: string, decision: 'allow' | 'deny'): Promise<URL> {
  const page = await (await fetch(url)).text();
  const request = /name="request" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const account = accounts.find((candidate) => candidate.email === email)?.id ?? '';
  const form = new URLSearchParams({ request, account, decision });
  for (const [, site = ''] of page.matchAll(/name="choice" value="([^"]+)"/g)) form.append('choice', site);
  for (const [, scope = ''] of page.matchAll(/name="scope" value="([^"]+)"/g)) form.append('scope', scope);
  const answer = await fetch(url, { method: 'POST', body: form, redirect: 'manual' });
  return new URL(answer.headers.get('location') ?? `about:blank#${answer.status}`);
}

/** The world as the contract suite wants it. */
export async function startVendor(through?: (fetch: Fetch) => Fetch): Promise<Vendor> {
  const site = harbour();
  const world = await startWorld([site], through);
  let plans = 0;
  const visible = site.jira.issues.filter(({ project }) => !project.archived);
  return {
    provider: world.provider,
    misconfigured: world.misconfigured,
    clientSecret: CLIENT.clientSecret,
    fetch: world.fetch,
    redirectUri: REDIRECT_URI,
    consent: async (url, decision) => (await consent(url, ANN, decision)).searchParams,
    account: { id: ann.accountId, email: ANN, name: 'Ann Oster' },
    files: visible.flatMap(({ key, summary, attachments }) => [
      `${key} ${summary}`,
      ...attachments.map(({ filename }) => filename),
    ]),
    allImportable: true,
    search: { query: 'kittiwake', finds: 'OR-2 Crash at / <berth> 7: "Übersicht" 日本' },
    goneRef: `issue/${site.cloudId}/999999`,
    failNext({ headers, ...answer }, times) {
      // Only the newest plan counts: one that asked for more failures than there were requests ends here.
      plans += 1;
      const mine = plans;
      const marked = { ...answer, headers: { ...headers, 'x-planned': 'yes' } };
      world.sandbox.state.failNext(() => mine === plans, marked, times);
    },
    close: () => world.close(),
  };
}
