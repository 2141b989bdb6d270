/**
 * A Confluence Data Center: the first version of the API, with pages by number instead of cursors, people by user key instead of account,
 * neither folders nor whiteboards, and downloads where people get them.
 */
import express, { type ErrorRequestHandler, type Request, type Response, type Router } from 'express';
import { AtlassianRefusal, type AtlassianPerson, type AtlassianWorld } from '../atlassian/sandbox-world.ts';
import { compileCql } from './sandbox-cql-match.ts';
import { parseCql } from './sandbox-cql.ts';
import { foundAttachment, foundComment, foundContent, searchable, type Found } from './sandbox-found.ts';
import { choiceOf, choicesOf, integerOf, textOf, valuesOf } from './sandbox-parameters.ts';
import { badRequest, notFound, Refusal, sendV1 } from './sandbox-refusal.ts';
import type { ConfluenceSpace, Content } from './sandbox-state.ts';
import { serverAnonymousWire, serverUserWire, userKeyOf, usernameOf } from './sandbox-people.ts';
import { expansions, resultWire, v1Content, v1Space, type V1Place } from './sandbox-v1-wire.ts';
import { viewOf, type View } from './sandbox-view.ts';
import { labelWire } from './sandbox-wire.ts';

/** A server's own limits: fewer where bodies are asked for. */
const MOST_RESULTS = 200;
const MOST_WITH_BODIES = 50;
const KINDS = ['page', 'blogpost'] as const;

type Asked = { req: Request; res: Response; view: View; person: AtlassianPerson; place: V1Place; siteUrl: string };

/** To be mounted where the server is installed. */
export function createConfluenceServer(world: AtlassianWorld): Router {
  const asks = (req: Request, res: Response): Asked => {
    const { site, person } = world.callerOf(req);
    if (!person) throw new AtlassianRefusal(401, 'Unauthorized');
    if (!site.confluence) throw notFound();
    const place = { rest: `${site.url}/rest/api`, personWire: (of: AtlassianPerson) => serverUserWire(of, site.url) };
    return { req, res, person, place, siteUrl: site.url, view: viewOf(site.confluence, person) };
  };

  const router = express.Router();
  const get = (path: string, answer: (asked: Asked) => void): void =>
    void router.get(`/rest/api${path}`, (req, res) => answer(asks(req, res)));

  router.get('/rest/api/user/current', (req, res) => {
    const { person, site } = world.callerOf(req);
    res.json(person ? serverUserWire(person, site.url) : serverAnonymousWire);
  });
  router.get('/rest/api/user', (req, res) => {
    const { siteUrl } = asks(req, res);
    const people = world.callerOf(req).site.confluence?.people ?? [];
    const person = people.find(
      (one) => userKeyOf(one) === textOf(req, 'key') || usernameOf(one) === textOf(req, 'username'),
    );
    if (!person) throw new Refusal(404, 'NOT_FOUND', 'No user found.');
    res.json(serverUserWire(person, siteUrl));
  });

  get('/space', (asked) => sendSpaces(asked));
  get('/space/:key', (asked) => void asked.res.json(v1Space(spaceOf(asked), asked.place)));
  get('/space/:key/content/:type', (asked) => sendSpaceContent(asked));
  get('/content', (asked) => sendContents(asked));
  get('/content/search', (asked) => {
    sendFound(asked, cqlResults(asked).found);
  });
  get('/search', (asked) => sendSearch(asked));
  get('/content/:id', (asked) => {
    asked.res.json(v1Content(contentById(asked), expandOf(asked), asked.place));
  });
  get('/content/:id/child/:type', (asked) => sendChildren(asked));
  get('/content/:id/descendant/comment', (asked) => sendChildren(asked, 'comment'));
  get('/content/:id/label', (asked) => {
    const labels = contentById(asked).content?.labels ?? [];
    sendList(asked, labels, (name) => ({ ...labelWire(name), label: name }));
  });

  router.get('/download/attachments/:id/:file', async (req, res) => {
    const { view } = asks(req, res);
    const { id, file } = req.params;
    const found = view.attachments.find(({ container, title }) => container.id === id && title === file);
    if (!found) throw notFound();
    res.set('content-type', found.mediaType);
    world.send(req, res, await found.bytes());
  });

  const refuse: ErrorRequestHandler = (error: unknown, _req, res, next) => {
    if (error instanceof Refusal) sendV1(res, error);
    else next(error);
  };
  router.use(refuse);
  return router;
}

const expandOf = ({ req }: Asked) => expansions(valuesOf(req, 'expand'));

/** One page of a list, by number. Links leave out the path that the server is installed under. */
function sendList<T>(asked: Asked, results: T[], toWire: (result: T) => unknown, more: object = {}): void {
  const { req, res, siteUrl } = asked;
  const most = expandOf(asked).has('body') ? MOST_WITH_BODIES : MOST_RESULTS;
  const limit = Math.min(integerOf(req, 'limit', { usual: 25, min: 0, max: 100_000 }), most);
  const start = integerOf(req, 'start', { usual: 0, min: 0, max: 1_000_000 });
  const page = results.slice(start, start + limit);
  const link = (from: number): string => {
    const query = new URL(req.originalUrl, siteUrl).searchParams;
    query.set('limit', String(limit));
    query.set('start', String(from));
    return `${req.path}?${query.toString()}`;
  };
  res.json({
    results: page.map(toWire),
    start,
    limit,
    size: page.length,
    ...more,
    _links: {
      self: `${siteUrl}${req.path}`,
      ...(limit > 0 && start + limit < results.length ? { next: link(start + limit) } : {}),
      ...(start > 0 ? { prev: link(Math.max(start - limit, 0)) } : {}),
      base: siteUrl,
      context: new URL(siteUrl).pathname,
    },
  });
}

const sendFound = (asked: Asked, results: Found[]): void =>
  sendList(asked, results, (found) => v1Content(found, expandOf(asked), asked.place));

function sendSpaces(asked: Asked): void {
  const { req, view, place } = asked;
  const type = choiceOf(req, 'type', ['global', 'personal']);
  const status = choiceOf(req, 'status', ['current', 'archived']);
  const keys = valuesOf(req, 'spaceKey');
  const found = view.spaces.filter(
    (space) =>
      (type === undefined || space.type === type) &&
      (status === undefined || space.status === status) &&
      (keys.length === 0 || keys.includes(space.key)),
  );
  sendList(asked, found, (space) => v1Space(space, place));
}

function spaceOf({ req, view }: Asked): ConfluenceSpace {
  const space = view.spaces.find(({ key }) => key === req.params.key);
  if (!space) throw new Refusal(404, 'NOT_FOUND', `No space with key : ${String(req.params.key)}`);
  return space;
}

function sendSpaceContent(asked: Asked): void {
  const { req, view } = asked;
  const space = spaceOf(asked);
  const type = KINDS.find((kind) => kind === req.params.type);
  if (!type) throw notFound();
  const isRoot = choiceOf(req, 'depth', ['all', 'root']) === 'root';
  const found = current(view).filter(
    (content) => content.space === space && content.kind === type && (!isRoot || !content.parent),
  );
  sendFound(asked, found.map(foundContent));
}

const current = ({ contents }: View): Content[] => contents.filter(({ status }) => status === 'current');

/** Of pages unless somebody says otherwise, and of what is current. */
function sendContents(asked: Asked): void {
  const { req, view } = asked;
  const type = choiceOf(req, 'type', KINDS) ?? 'page';
  const [spaceKey, title] = [textOf(req, 'spaceKey'), textOf(req, 'title')];
  const statuses: readonly string[] = choicesOf(req, 'status', ['current', 'trashed', 'draft', 'any'], ['current']);
  const found = view.contents.filter(
    (content) =>
      content.kind === type &&
      (statuses.includes('any') || statuses.includes(content.status)) &&
      (spaceKey === undefined || content.space.key === spaceKey) &&
      (title === undefined || content.title === title),
  );
  sendFound(asked, found.map(foundContent));
}

function contentById({ req, view }: Asked): Found {
  const id = String(req.params.id);
  const content = view.content(id);
  if (content?.status === 'current') return foundContent(content);
  const attachment = view.attachments.find((one) => one.id === id && one.status === 'current');
  if (attachment) return foundAttachment(attachment);
  const comment = view.comments.find((one) => one.id === id && one.status === 'current');
  if (comment) return foundComment(comment);
  throw new Refusal(404, 'NOT_FOUND', `No content found with id: ContentId{id=${id}}`);
}

/** Comments on comments come with `depth=all` only. */
function sendChildren(asked: Asked, type = String(asked.req.params.type)): void {
  const { req, view } = asked;
  const { content } = contentById(asked);
  if (!content) throw notFound();
  const isAll = type === 'comment' && (textOf(req, 'depth') === 'all' || req.path.includes('/descendant/'));
  const results: Record<string, () => Found[]> = {
    page: () =>
      view
        .childrenOf(content)
        .filter(({ kind, status }) => kind === 'page' && status === 'current')
        .map(foundContent),
    attachment: () =>
      view.attachments.filter((one) => one.container === content && one.status === 'current').map(foundAttachment),
    comment: () =>
      view.comments
        .filter((one) => one.container === content && one.status === 'current' && (isAll || !one.parent))
        .map(foundComment),
  };
  if (!Object.hasOwn(results, type)) throw badRequest(`Unsupported child type: ${type}`);
  sendFound(asked, results[type]?.() ?? []);
}

/** Errors: Refusal 400. */
function cqlResults({ req, view, person }: Asked): { found: Found[]; words: string[]; cql: string } {
  const cql = textOf(req, 'cql');
  if (cql === undefined) throw badRequest('cql query parameter is required');
  const { matches, compare, words } = compileCql(cql, parseCql(cql), person);
  return { cql, words, found: searchable(view).filter(matches).sort(compare) };
}

function sendSearch(asked: Asked): void {
  const { cql, words, found } = cqlResults(asked);
  const names = valuesOf(asked.req, 'expand').map((name) => name.replace(/^content\./, ''));
  const view = { expand: expansions(names), marked: words, place: asked.place };
  const more = { totalSize: found.length, cqlQuery: cql, searchDuration: 12 };
  sendList(asked, found, (one) => resultWire(one, view), more);
}
