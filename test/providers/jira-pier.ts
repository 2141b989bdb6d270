import { expect } from 'chai';
import { createSite } from '../../providers/atlassian/sandbox-sites.ts';
import { accountIdOfName, type AtlassianPerson, type AtlassianSite } from '../../providers/atlassian/sandbox-world.ts';
import type { JiraState } from '../../providers/jira/sandbox-state.ts';
import type { Connection, Item, ListOptions, OpenedFile } from '../../providers/provider.ts';
import { recording, type Exchange } from './exchanges.ts';
import { ANN, type AtlassianWorld } from './atlassian-world.ts';
import { startWorld } from './jira-world.ts';
import { listAll } from './reading.ts';

export const FOR_IMPORT: ListOptions = { forImport: { deep: true, attachments: true } };

const personAt = (name: string, timeZone: string, email?: string): AtlassianPerson => ({
  accountId: accountIdOfName(name),
  name,
  email,
  timeZone,
  accountType: 'atlassian',
});
/** Far from each other and from UTC; Ben hides his address. */
export const ann = personAt('Ann Oster', 'America/Los_Angeles', ANN);
export const ben = personAt('Ben Weir', 'Asia/Kolkata');

type JiraSite = AtlassianSite & { jira: JiraState };

export function siteWith(name: string, fill: (jira: JiraState) => void): JiraSite {
  const site = createSite({ name, people: [ann, ben], products: ['jira'] });
  if (!site.jira) throw new Error('The site has no Jira.');
  fill(site.jira);
  return { ...site, jira: site.jira };
}

export const pier = (): JiraSite =>
  siteWith('pier', (jira) => {
    jira.addProject({ key: 'AND', name: 'Announcements', issues: 45 });
    jira.addProject({ key: 'OR', name: 'Or "else" \\', issues: 2 });
    jira.addProject({ key: 'EX', name: 'Example' });
    const created = new Date('2026-05-01T10:00:00.000Z');
    const issue = jira.addIssue('EX', { summary: 'Crash', description: 'It **broke**.', created });
    for (let number = 1; number <= 130; number += 1)
      jira.addComment(issue, { author: ben, body: `Comment ${number} ends.`, created });
    jira.addAttachment(issue, { filename: 'log.txt', mimeType: 'text/plain', bytes: Buffer.from('A log.'), created });
  });

/** What the tests of one site share: its world, and what the provider was seen to do. */
export function useWorld(sites: () => JiraSite[]) {
  const used = {} as {
    world: AtlassianWorld;
    site: JiraSite;
    jira: JiraState;
    connection: Connection;
    exchanges: Exchange[];
  };
  beforeEach(async () => {
    const exchanges: Exchange[] = [];
    const all = sites();
    const world = await startWorld(all, recording(exchanges));
    const [site] = all as [JiraSite];
    Object.assign(used, { world, site, jira: site.jira, connection: world.connect(), exchanges });
  });
  afterEach(() => used.world.close());
  return {
    used,
    refOf: (kind: string, id: string): string => `${kind}/${used.site.cloudId}/${id}`,
    project: (key: string): string => {
      const found = used.jira.projects.find((candidate) => candidate.key === key);
      return `project/${used.site.cloudId}/${found?.id ?? expect.fail(`no ${key}`)}`;
    },
    list: (ref: string, options?: ListOptions): Promise<Item[]> =>
      listAll(used.world.provider, used.connection, ref, options),
    open: (ref: string, hint?: string): Promise<OpenedFile> =>
      used.world.provider.open(used.connection, ref, { signal: new AbortController().signal, hint }),
    /** Paths without the place of the site, in order. */
    asked: (): string[] =>
      used.world.sandbox.state.requests.map(({ method, path }) =>
        `${method} ${path}`.replace(/\/ex\/jira\/[^/]+\/rest\/api\/3/, '').replace(/\?.*/, ''),
      ),
  };
}
