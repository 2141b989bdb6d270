import type { Request, Response } from 'express';
import type { AtlassianPerson } from '../atlassian/sandbox-world.ts';
import { idOf } from './sandbox-parameters.ts';
import { idRank, type Place, type Rank } from './sandbox-paging.ts';
import { notFound } from './sandbox-refusal.ts';
import type { Content, ContentKind } from './sandbox-state.ts';
import type { View } from './sandbox-view.ts';

/** What one call works with: who asks, what of which site that person sees. */
export type Asked = Place & { req: Request; res: Response; view: View; person: AtlassianPerson };

/** Adds a GET call of the second version of the API; without the scope it is refused. */
export type AddCall = (path: string, scope: string, answer: (asked: Asked) => void) => void;

export const DATE_SORTS = ['created-date', '-created-date', 'modified-date', '-modified-date'] as const;
export const ID_SORTS = ['id', '-id', ...DATE_SORTS] as const;

/** What a call's own id names. Errors: Refusal 400, 404. */
export function contentOf({ req, view }: Asked, kind: ContentKind): Content {
  const found = view.content(idOf('id', String(req.params.id)), kind);
  if (!found || !['current', 'archived'].includes(found.status)) throw notFound();
  return found;
}

/** What is alone in an answer has the base of its links with it. */
export const sendSingle = ({ res, siteUrl }: Asked, wire: Record<string, unknown>): void =>
  void res.json({ ...wire, _links: { ...(wire._links as object), base: `${siteUrl}/wiki` } });

/** The order that a word of `sort` asks for; its sign is for the list to see to. */
export function rankBy(sort: string): (content: Content) => Rank {
  const by = sort.replace(/^-/, '');
  return ({ id, title, createdAt, version, position }) => {
    if (by === 'created-date') return [createdAt.getTime(), idRank(id)];
    if (by === 'modified-date') return [version.createdAt.getTime(), idRank(id)];
    if (by === 'title') return [title.toLowerCase(), idRank(id)];
    return by === 'child-position' ? [position, idRank(id)] : [idRank(id)];
  };
}

export const directionOf = (sort: string): 1 | -1 => (sort.startsWith('-') ? -1 : 1);
