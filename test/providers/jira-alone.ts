import { expect } from 'chai';
import express from 'express';
import { AtlassianRefusal, accountIdOfName, type AtlassianPerson } from '../../providers/atlassian/sandbox-world.ts';
import { createJiraSandbox } from '../../providers/jira/sandbox.ts';
import { createJiraState, type JiraState } from '../../providers/jira/sandbox-state.ts';
import { appOf, listen } from '../../providers/sandbox/stand-in.ts';
import { recording, type Exchange } from './exchanges.ts';

/** Somebody at a Jira site; named alike, it is the same account. */
export const person = (name: string, more: Partial<AtlassianPerson> = {}): AtlassianPerson => ({
  accountId: accountIdOfName(name),
  name,
  email: `${name.toLowerCase().replace(' ', '.')}@tributary.example`,
  timeZone: 'America/Los_Angeles',
  accountType: 'atlassian',
  ...more,
});
export const ANN = person('Ann Oster');
export const BEN = person('Ben Hale', { email: undefined, timeZone: 'Europe/Berlin' });

/** Tests say what they expect of an answer in their own words. */
export type Json = ReturnType<typeof JSON.parse>;
/** `json` is {} where the answer is none. */
export type Answer = { status: number; headers: Headers; text: string; json: Json };
export type Jira = {
  /** Every request with its answer. */
  exchanges: Exchange[];
  state: JiraState;
  get(path: string, options?: { as?: AtlassianPerson | 'nobody'; headers?: Record<string, string> }): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Keys of what a query finds, in order. */
  keys(jql: string, as?: AtlassianPerson): Promise<string[]>;
  /** What Jira says of a query that it refuses. */
  refusal(jql: string): Promise<string>;
  close(): Promise<void>;
};

/** Jira by itself: an account id as a bearer token says who asks, and a header may take scopes away. */
export async function startJira(state: JiraState): Promise<Jira> {
  const exchanges: Exchange[] = [];
  const watched = recording(exchanges)((input, init) => fetch(input, { redirect: 'manual', ...init }));
  const router = express.Router();
  router.use(
    '/rest/api/3',
    createJiraSandbox({
      callerOf: (req) => ({
        site: {
          kind: 'cloud',
          cloudId: '',
          name: 'acme',
          url: 'https://acme.example',
          members: new Set(),
          jira: state,
        },
        person: state.people.find(({ accountId }) => req.get('authorization') === `Bearer ${accountId}`),
        requireScope(scope) {
          if (req.get('x-without') === scope) throw new AtlassianRefusal(401, 'Unauthorized; scope does not match');
        },
      }),
      mediaUrl: ({ id, name }) => `https://media.example/file/${id}/binary?name=${encodeURIComponent(name)}`,
      send: (_req, res, bytes) => void res.end(bytes),
    }),
  );
  const app = appOf([router], {
    unknown: (_req, res) => void res.status(404).json({}),
    fault: (res, message) => void res.status(/scope/.test(message) ? 401 : 500).json({ message }),
  });
  const server = await listen(app);
  const call = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await watched(`${server.url}/rest/api/3${path}`, init);
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} };
  };
  const headersOf = (as: AtlassianPerson | 'nobody' = ANN): Record<string, string> =>
    as === 'nobody' ? {} : { authorization: `Bearer ${as.accountId}` };
  const jira: Jira = {
    exchanges,
    state,
    get: (path, { as, headers } = {}) => call(path, { headers: { ...headersOf(as), ...headers } }),
    post: (path, body, headers = { 'content-type': 'application/json' }) =>
      call(path, {
        method: 'POST',
        headers: { ...headersOf(), ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    async keys(jql, as) {
      const { status, text, json } = await jira.get(
        `/search/jql?fields=key&maxResults=5000&jql=${encodeURIComponent(jql)}`,
        { as },
      );
      expect(status, text).to.equal(200);
      return (json.issues as { key: string }[]).map(({ key }) => key);
    },
    async refusal(jql) {
      const { status, json } = await jira.get(`/search/jql?jql=${encodeURIComponent(jql)}`);
      expect(status, jql).to.equal(400);
      expect(json.errors).to.deep.equal({});
      return (json.errorMessages as string[]).join(' ');
    },
    close: () => server.close(),
  };
  return jira;
}

/** Two projects for everybody, one of them named like a word of JQL, an archived one, and one for Ben alone. */
export function smallState(): JiraState {
  const state = createJiraState([ANN, BEN]);
  state.addProject({ key: 'EX', name: 'Example', issues: 7 });
  state.addProject({ key: 'AND', name: 'Announcements', issues: 2 });
  state.addProject({ key: 'OLD', name: 'Old', issues: 1, archived: new Date('2024-02-01T10:00:00Z') });
  state.addProject({ key: 'BOARD', name: 'Board', issues: 1, members: [BEN.accountId] });
  return state;
}
