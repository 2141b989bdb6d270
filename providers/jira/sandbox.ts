/**
 * Jira Cloud's REST API v3, the parts that read, as one router for `/rest/api/3` of every site, on the gateway and on the sites themselves.
 * Who asks, and of which site, is for the world around it to say.
 */
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Router } from 'express';
import type { AtlassianWorld } from '../atlassian/sandbox-world.ts';
import { createJiraAttachments } from './sandbox-attachments.ts';
import { FIELDS, fieldDetails, selectionOf } from './sandbox-fields.ts';
import { badRequest, issueNotFound, Refusal, sendRefusal } from './sandbox-refusal.ts';
import { all, listOf, number, one } from './sandbox-requests.ts';
import { createJiraSearch } from './sandbox-search.ts';
import { createSeenBy, type Seen } from './sandbox-seen.ts';
import { issueIn, type JiraIssue, type JiraProject, type View } from './sandbox-state.ts';

const USUAL_PROJECTS = 50;
const MOST_PROJECTS = 100;
const USUAL_COMMENTS = 100;
const REMOVED =
  'The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. ' +
  'A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046';

/** With the limits, defaults and error bodies of Jira's. */
export function createJiraSandbox(world: AtlassianWorld): Router {
  const seenBy = createSeenBy(world);
  const { search, approximateCount, parse, bulkFetch } = createJiraSearch(seenBy);
  const attachments = createJiraAttachments(world, seenBy);

  const getIssue: RequestHandler = (req, res) => {
    const seen = seenBy(req);
    const selection = selectionOf(all(req, 'fields'), '*all', '*all');
    res.json(seen.wire.issue(issueOf(req, seen), selection, listOf(one(req, 'expand'))));
  };

  const getComments: RequestHandler = (req, res) => {
    const seen = seenBy(req);
    const issue = issueOf(req, seen);
    const orderBy = one(req, 'orderBy') ?? 'created';
    if (!['created', '+created', '-created'].includes(orderBy))
      throw badRequest(`The value '${orderBy}' of the parameter 'orderBy' is not 'created'.`);
    const startAt = startOf(req);
    const maxResults = Math.max(number(req, 'maxResults') ?? USUAL_COMMENTS, 0);
    const sorted = [...issue.comments].sort((a, b) => a.created.getTime() - b.created.getTime());
    if (orderBy.startsWith('-')) sorted.reverse();
    const comments = sorted.slice(startAt, startAt + maxResults).map((comment) => seen.wire.comment(issue, comment));
    res.json({ startAt, maxResults, total: sorted.length, comments });
  };

  const searchProjects: RequestHandler = (req, res) => {
    const { view, wire, url } = seenBy(req);
    const found = projectsFor(req, view);
    const startAt = startOf(req);
    const maxResults = Math.min(number(req, 'maxResults') ?? USUAL_PROJECTS, MOST_PROJECTS);
    const expansions = listOf(one(req, 'expand'));
    const page = (from: number): string => {
      const { searchParams } = new URL(req.originalUrl, url);
      searchParams.set('startAt', String(from));
      searchParams.set('maxResults', String(maxResults));
      return `${url}/rest/api/3/project/search?${searchParams.toString()}`;
    };
    const isLast = startAt + maxResults >= found.length;
    res.json({
      self: page(startAt),
      nextPage: isLast ? undefined : page(startAt + maxResults),
      maxResults,
      startAt,
      total: found.length,
      isLast,
      values: found.slice(startAt, startAt + maxResults).map((project) => wire.project(project, expansions)),
    });
  };

  const getProject: RequestHandler = (req, res) => {
    const { view, wire } = seenBy(req);
    const wanted = String(req.params.project);
    const project = view.projects.find(({ id, key }) => id === wanted || key === wanted.toUpperCase());
    if (!project) throw new Refusal(404, `No project could be found with key '${wanted}'.`);
    res.json(wire.project(project, listOf(one(req, 'expand')).add('description').add('lead').add('issueTypes')));
  };

  const myself: RequestHandler = (req, res) => {
    const { view, wire } = seenBy(req, 'read:jira-user');
    if (!view.viewer) throw new Refusal(401, 'Client must be authenticated to access this resource.');
    res.json({ ...wire.person(view.viewer), locale: 'en_US' });
  };

  const serverInfo: RequestHandler = (req, res) => {
    const { url } = seenBy(req);
    res.json({ baseUrl: url, version: '1001.0.0-SNAPSHOT', deploymentType: 'Cloud', serverTitle: 'Jira' });
  };

  const fields: RequestHandler = (req, res) => {
    seenBy(req);
    res.json(FIELDS.map(fieldDetails));
  };

  const removed: RequestHandler = () => {
    throw new Refusal(410, REMOVED);
  };

  const router = express.Router();
  router.use(express.json({ limit: '1mb' }));
  router.get('/myself', myself);
  router.get('/serverInfo', serverInfo);
  router.get('/field', fields);
  router.get('/project/search', searchProjects);
  router.get('/project/:project', getProject);
  router.get('/search/jql', search.byQuery);
  router.post('/search/jql', search.byBody);
  router.post('/search/approximate-count', approximateCount);
  router.all('/search', removed);
  router.post('/jql/parse', parse);
  router.post('/issue/bulkfetch', bulkFetch);
  router.get('/issue/:issue', getIssue);
  router.get('/issue/:issue/comment', getComments);
  router.get('/attachment/meta', attachments.meta);
  router.get('/attachment/content/:id', attachments.content);
  router.get('/attachment/:id', attachments.details);
  router.use(refuse);
  return router;
}

function issueOf(req: Request, { view }: Seen): JiraIssue {
  const issue = issueIn(view.issues, String(req.params.issue));
  if (!issue) throw issueNotFound();
  return issue;
}

const startOf = (req: Request): number => Math.max(number(req, 'startAt') ?? 0, 0);

/** Errors: Refusal 404 where nothing is what was asked for. */
function projectsFor(req: Request, { projects }: View): JiraProject[] {
  const states = all(req, 'status').flatMap((status) => status.split(','));
  const wanted = { ids: all(req, 'id'), keys: all(req, 'keys'), query: one(req, 'query')?.toLowerCase() ?? '' };
  const found = projects.filter(
    ({ id, key, name, archived }) =>
      (states.length === 0 ? ['live'] : states).includes(archived ? 'archived' : 'live') &&
      (wanted.ids.length === 0 || wanted.ids.includes(id)) &&
      (wanted.keys.length === 0 || wanted.keys.includes(key)) &&
      (key.toLowerCase().includes(wanted.query) || name.toLowerCase().includes(wanted.query)),
  );
  const isNarrow = wanted.query !== '' || wanted.ids.length + wanted.keys.length > 0;
  if (isNarrow && found.length === 0) throw new Refusal(404, 'No projects matching the search criteria were found.');
  const orderBy = one(req, 'orderBy') ?? 'key';
  const [, sign, by] = /^([+-]?)(key|name)$/.exec(orderBy) ?? [];
  if (by === undefined) throw badRequest(`The projects cannot be ordered by '${orderBy}'.`);
  const value = ({ key, name }: JiraProject): string => (by === 'key' ? key : name.toLowerCase());
  found.sort((a, b) => (value(a) < value(b) ? -1 : 1) * (sign === '-' ? -1 : 1));
  return found;
}

const refuse: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (error instanceof Refusal) return sendRefusal(res, error);
  // What express.json says of a body that is no JSON.
  if (error instanceof SyntaxError)
    return sendRefusal(res, badRequest('There was an error parsing JSON. Check that your request body is valid.'));
  next(error);
};
