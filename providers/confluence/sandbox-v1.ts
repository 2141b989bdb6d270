import express, { type Request, type Response, type Router } from 'express';
import type { AtlassianWorld } from '../atlassian/sandbox-world.ts';
import { integerOf, textOf } from './sandbox-parameters.ts';
import { anonymousWire, userWire } from './sandbox-people.ts';
import { badRequest, notFound } from './sandbox-refusal.ts';
import { sendContentSearch, sendSearch } from './sandbox-search.ts';
import type { Asked } from './sandbox-asked.ts';

const SEARCH = ['search:confluence', 'read:content-details:confluence'];
const USERS = ['read:confluence-user', 'read:content-details:confluence'];
const DOWNLOADS = ['readonly:content.attachment:confluence', 'read:attachment:confluence'];

/** What is left of the first version of Confluence's API: search, people, downloads; to be mounted at `/wiki/rest/api`. */
export function createConfluenceV1(
  world: AtlassianWorld,
  asks: (req: Request, res: Response, ...anyOf: string[]) => Asked,
): Router {
  const router = express.Router();
  router.get('/search', (req, res) => sendSearch(asks(req, res, ...SEARCH)));
  router.get('/content/search', (req, res) => sendContentSearch(asks(req, res, ...SEARCH)));

  router.get('/user/current', (req, res) => {
    const { person, site, requireScope } = world.callerOf(req);
    requireScope(...USERS);
    res.json(person ? userWire(person, site.url) : anonymousWire(site.url));
  });

  router.get('/user', (req, res) => {
    const { state, siteUrl } = asks(req, res, ...USERS);
    const wanted = textOf(req, 'accountId');
    if (wanted === undefined) throw badRequest('accountId is required');
    const person = state.people.find(({ accountId }) => accountId === wanted);
    if (!person) throw notFound();
    res.json(userWire(person, siteUrl));
  });

  router.get('/content/:id/child/attachment/:attachment/download', (req, res) => {
    const { view } = asks(req, res, ...DOWNLOADS);
    const { id, attachment: wanted } = req.params;
    const found = view.attachments.find((attachment) => attachment.id === wanted && attachment.container.id === id);
    if (!found || found.status === 'trashed') throw notFound();
    integerOf(req, 'version', { usual: 1, max: found.version.number });
    const { fileId, title, mediaType, bytes } = found;
    const location = world.mediaUrl({ id: fileId, name: title, mediaType, bytes });
    res.status(302).set({ location }).end();
  });

  return router;
}
