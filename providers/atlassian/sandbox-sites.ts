import { companyConfluence, oldConfluence, shipyardConfluence } from '../confluence/sandbox-company.ts';
import { folderConfluence } from '../confluence/sandbox-folder.ts';
import { createConfluenceState } from '../confluence/sandbox-state.ts';
import { companyJira } from '../jira/sandbox-company.ts';
import { createJiraState } from '../jira/sandbox-state.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import { accountIdOfName, stableUuid, type AtlassianPerson, type AtlassianSite } from './sandbox-world.ts';

/** An account as a person of Atlassian's. */
export const personOf = ({ name, email }: SandboxAccount): AtlassianPerson => ({
  accountId: accountIdOfName(name),
  name,
  email,
  timeZone: 'Europe/London',
  accountType: 'atlassian',
});

/** A site with nothing in it yet, for all of `people`, the first of whom does what nobody is named for. */
export function createSite(options: {
  name: string;
  people: AtlassianPerson[];
  kind?: AtlassianSite['kind'];
  products?: ('confluence' | 'jira')[];
}): AtlassianSite {
  const { name, people, kind = 'cloud', products = ['confluence', 'jira'] } = options;
  return {
    kind,
    cloudId: stableUuid(`site ${name}`),
    name,
    url: '',
    members: new Set(people.map(({ accountId }) => accountId)),
    confluence: products.includes('confluence') ? createConfluenceState([...people], name) : undefined,
    jira: products.includes('jira') ? createJiraState([...people]) : undefined,
  };
}

/**
 * The sites of the accounts that the stand-ins serve: those of the invented Saltmarsh Ferry Company, or, of an account whose storage is a
 * folder, one whose wiki is that folder.
 */
export async function sandboxSites(
  accounts: SandboxAccount[],
  { filesDir }: { filesDir?: string } = {},
): Promise<AtlassianSite[]> {
  const people = accounts.map(personOf);
  const site = (name: string, members: AtlassianPerson[], kind: AtlassianSite['kind'] = 'cloud'): AtlassianSite =>
    createSite({ name, people: members, kind, products: [] });
  const [account] = accounts;
  const [person] = people;
  if (filesDir !== undefined && account && person)
    return [{ ...site('sandbox', people), confluence: await folderConfluence(account, person) }];
  // Ines has never been to the shipyard.
  const owners = people.filter(({ name }) => name !== 'Ines Beaumont');
  return [
    {
      ...site('saltmarsh-ferry', people),
      confluence: await companyConfluence(people),
      jira: await companyJira(people),
    },
    { ...site('brannoc-slip', owners), confluence: await shipyardConfluence(owners) },
    { ...site('old-wiki', people, 'server'), confluence: await oldConfluence(people) },
  ];
}
