import type { AtlassianClient } from '../atlassian/client.ts';
import type { Sites } from '../atlassian/sites.ts';
import { ProviderError } from '../errors.ts';
import type { Seat } from './issues.ts';
import { projectSchema, projectsSchema, type Project } from './wire.ts';

/** Jira's own limit. Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-projects/ (2026). */
const MOST_ON_A_PAGE = 100;

export type Projects = {
  /** Projects of a site by name, archived ones left out. `next` is where the next page begins. Errors: ProviderError. */
  page(seat: Seat, startAt: number): Promise<{ projects: Project[]; next?: number }>;
  all(seat: Seat): Promise<Project[]>;
  one(seat: Seat, id: string): Promise<Project>;
};

export function createProjects(client: AtlassianClient, sites: Sites): Projects {
  const rest = ({ connection, cloudId }: Seat): string => `${sites.baseOf(connection, cloudId)}/rest/api/3`;
  const call = { scope: 'read:jira-work', what: 'a list of projects' };

  /** The link to the next page is never followed: it names the site, where the token of a consent is not valid. */
  const page: Projects['page'] = async (seat, startAt) => {
    const query = `startAt=${startAt}&maxResults=${MOST_ON_A_PAGE}&orderBy=name&status=live`;
    try {
      const { values, isLast } = await client.read(seat.connection, `${rest(seat)}/project/search?${query}`, {
        ...call,
        schema: projectsSchema,
      });
      const ends = isLast === true || values.length === 0;
      return { projects: values, next: ends ? undefined : startAt + values.length };
    } catch (error) {
      // So Jira says that there is none to see.
      if (error instanceof ProviderError && error.kind === 'gone') return { projects: [] };
      throw error;
    }
  };

  return {
    page,

    async all(seat) {
      const found: Project[] = [];
      for (let startAt: number | undefined = 0; startAt !== undefined;) {
        const { projects, next } = await page(seat, startAt);
        found.push(...projects);
        startAt = next;
      }
      return found;
    },

    one: ({ connection, ...seat }, id) =>
      client.read(connection, `${rest({ connection, ...seat })}/project/${id}`, {
        ...call,
        what: 'a project',
        schema: projectSchema,
      }),
  };
}
