import { createSite } from '../../providers/atlassian/sandbox-sites.ts';
import type { AtlassianSite } from '../../providers/atlassian/sandbox-world.ts';
import { createJira, jiraDefinition } from '../../providers/jira/index.ts';
import type { JiraState } from '../../providers/jira/sandbox-state.ts';
import type { Fetch } from '../../providers/provider.ts';
import { ann, ben, startAtlassianWorld, vendorOf, type AtlassianWorld } from './atlassian-world.ts';
import type { Vendor } from './contract.ts';

export const REDIRECT_URI = 'http://localhost:3000/api/v1/integrations/jira/callback';

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

/** Stand-in, guarded fetch and provider. `through` may watch what the provider fetches. */
export const startWorld = (sites: AtlassianSite[], through?: (fetch: Fetch) => Fetch): Promise<AtlassianWorld> =>
  startAtlassianWorld({ name: 'jira', definition: jiraDefinition, create: createJira }, sites, through);

/** The world as the contract suite wants it. */
export async function startVendor(through?: (fetch: Fetch) => Fetch): Promise<Vendor> {
  const site = harbour();
  const visible = site.jira.issues.filter(({ project }) => !project.archived);
  return {
    ...vendorOf(await startWorld([site], through)),
    redirectUri: REDIRECT_URI,
    files: visible.flatMap(({ key, summary, attachments }) => [
      `${key} ${summary}`,
      ...attachments.map(({ filename }) => filename),
    ]),
    allImportable: true,
    search: { query: 'kittiwake', finds: 'OR-2 Crash at / <berth> 7: "Übersicht" 日本' },
    goneRef: `issue/${site.cloudId}/999999`,
  };
}
