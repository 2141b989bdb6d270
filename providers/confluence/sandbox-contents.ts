import { contentOf, directionOf, ID_SORTS, rankBy, sendSingle, type AddCall, type Asked } from './sandbox-asked.ts';
import { sendPage } from './sandbox-paging.ts';
import { choiceOf, choicesOf, flagOf, idOf, idsOf, integerOf, textOf } from './sandbox-parameters.ts';
import { notFound, Refusal } from './sandbox-refusal.ts';
import { spaceOf } from './sandbox-spaces.ts';
import type { Content } from './sandbox-state.ts';
import {
  BODY_FORMATS,
  bodyWire,
  contentWire,
  labelWire,
  SINGLE_BODY_FORMATS,
  versionWire,
  type BodyFormat,
} from './sandbox-wire.ts';

const SCOPE = 'read:page:confluence';

type Kind = 'page' | 'blogpost';

/** Pages and blog posts are asked for in the same ways. */
export function addContentCalls(add: AddCall): void {
  for (const kind of ['page', 'blogpost'] as const) {
    add(`/${kind}s`, SCOPE, (asked) => sendContents(asked, kind));
    add(`/spaces/:id/${kind}s`, SCOPE, (asked) => sendContents(asked, kind, spaceOf(asked).id));
    add(`/${kind}s/:id`, SCOPE, (asked) => sendContent(asked, kind));
    add(`/${kind}s/:id/versions`, SCOPE, (asked) => sendVersions(asked, kind));
    add(`/${kind}s/:id/labels`, SCOPE, (asked) => sendLabels(asked, kind));
  }
}

function sendContents(asked: Asked, kind: Kind, ofSpace?: string): void {
  const { req, res, view } = asked;
  const ids = ofSpace === undefined ? idsOf(req, 'id', 250) : [];
  const spaceIds = ofSpace === undefined ? idsOf(req, 'space-id', 100) : [ofSpace];
  const wanted = filterOf(asked, kind);
  const format = choiceOf(req, 'body-format', BODY_FORMATS);
  refuseTooMuch(asked, format);
  const sort = choiceOf(req, 'sort', [...ID_SORTS, 'title', '-title']) ?? 'id';
  sendPage(req, res, asked, {
    results: view.contents.filter(
      (content) =>
        content.kind === kind &&
        (ids.length === 0 || ids.includes(content.id)) &&
        (spaceIds.length === 0 || spaceIds.includes(content.space.id)) &&
        wanted(content),
    ),
    rankOf: rankBy(sort),
    direction: directionOf(sort),
    toWire: (content) => contentWire(content, { format, inList: true }),
  });
}

/** What a list leaves out. Archived pages are in it unless somebody says otherwise. */
function filterOf({ req }: Asked, kind: Kind): (content: Content) => boolean {
  const statuses: readonly string[] =
    kind === 'page'
      ? choicesOf(req, 'status', ['current', 'archived', 'deleted', 'trashed'], ['current', 'archived'])
      : choicesOf(req, 'status', ['current', 'deleted', 'trashed'], ['current']);
  const title = textOf(req, 'title');
  const subtype = choiceOf(req, 'subtype', ['live', 'page']);
  const isRoot = choiceOf(req, 'depth', ['all', 'root']) === 'root';
  return (content) =>
    statuses.includes(content.status) &&
    (title === undefined || content.title === title) &&
    (subtype === undefined || content.isLive === (subtype === 'live')) &&
    (!isRoot || content.parent === undefined);
}

/** Many bodies at once take Confluence longer than its gateway waits. Errors: Refusal 504. */
function refuseTooMuch({ req, state }: Asked, format: BodyFormat | undefined): void {
  if (format !== undefined && integerOf(req, 'limit', { usual: 25 }) > state.mostWithBodies)
    throw new Refusal(504, 'GATEWAY_TIMEOUT', 'Gateway Timeout');
}

function sendContent(asked: Asked, kind: Kind): void {
  const { req } = asked;
  const content = singleOf(asked, kind);
  const { number: newest } = content.version;
  const number = integerOf(req, 'version', { usual: newest, max: newest });
  const of = content.history.find(({ version }) => version.number === number);
  const format = choiceOf(req, 'body-format', SINGLE_BODY_FORMATS);
  sendSingle(asked, { ...contentWire(content, { format, inList: false, of }), ...partsOf(asked, content) });
}

/** Drafts and what is in the trash come to those who say that they want them. */
function singleOf({ req, view }: Asked, kind: Kind): Content {
  const known = ['current', 'archived', 'trashed', 'deleted', 'historical', 'draft'] as const;
  const wanted: readonly string[] = choicesOf(req, 'status', known, ['current', 'archived']);
  const isDraftAsked = flagOf(req, 'get-draft');
  const content = view.content(idOf('id', String(req.params.id)), kind);
  if (!content) throw notFound();
  if (!wanted.includes(content.status) && !(isDraftAsked && content.status === 'draft')) throw notFound();
  return content;
}

/** Parts that a single page brings along when asked to. */
function partsOf({ req }: Asked, { id, kind, labels, version, history }: Content): object {
  const part = (name: string, results: unknown[]): object => {
    if (!flagOf(req, `include-${name}`)) return {};
    return { [name]: { results, meta: { hasMore: false }, _links: { self: `/wiki/api/v2/${kind}s/${id}/${name}` } } };
  };
  const older = history.map((one) => one.version).reverse();
  return {
    ...part('labels', labels.map(labelWire)),
    ...part('versions', [version, ...older].map(versionWire)),
    ...part('properties', []),
    ...part('operations', []),
    ...part('likes', []),
  };
}

function sendVersions(asked: Asked, kind: Kind): void {
  const { req, res } = asked;
  const { id, title, body, version, history } = contentOf(asked, kind);
  const format = choiceOf(req, 'body-format', BODY_FORMATS);
  const sort = choiceOf(req, 'sort', ['modified-date', '-modified-date']) ?? '-modified-date';
  sendPage(req, res, asked, {
    results: [...history, { version, title, body }],
    rankOf: (of) => [of.version.number],
    direction: directionOf(sort),
    toWire: (of) => ({
      ...versionWire(of.version),
      [kind]: { id, title: of.title, ...bodyWire(of.body, format) },
    }),
  });
}

function sendLabels(asked: Asked, kind: Kind): void {
  const { req, res } = asked;
  const { labels } = contentOf(asked, kind);
  const prefix = choiceOf(req, 'prefix', ['my', 'team', 'global', 'system']) ?? 'global';
  const sort = choiceOf(req, 'sort', ['created-date', '-created-date', 'id', '-id', 'name', '-name']) ?? 'name';
  sendPage(req, res, asked, {
    results: prefix === 'global' ? labels : [],
    rankOf: (name) => [name],
    direction: directionOf(sort),
    toWire: labelWire,
  });
}
