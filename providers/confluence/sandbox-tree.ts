import { choiceOf, integerOf } from './sandbox-parameters.ts';
import { sendPage } from './sandbox-paging.ts';
import type { Content, ContentKind } from './sandbox-state.ts';
import { contentOf, directionOf, ID_SORTS, rankBy, sendSingle, type AddCall, type Asked } from './sandbox-asked.ts';
import { childWire, descendantWire, nodeWire } from './sandbox-wire.ts';

/** What stands in a space's tree beside pages; these have neither text nor attachments. */
const NODES = { folders: 'folder', whiteboards: 'whiteboard', databases: 'database', embeds: 'embed' } as const;
const HIERARCHY = 'read:hierarchical-content:confluence';

/** The calls that go up and down the tree of a space. */
export function addTreeCalls(add: AddCall): void {
  for (const [plural, kind] of Object.entries({ pages: 'page', ...NODES } as const)) {
    add(`/${plural}/:id/direct-children`, HIERARCHY, (asked) => sendChildren(asked, kind));
    add(`/${plural}/:id/descendants`, HIERARCHY, (asked) => sendDescendants(asked, kind));
    add(`/${plural}/:id/ancestors`, 'read:content.metadata:confluence', (asked) => sendAncestors(asked, kind));
  }
  for (const [plural, kind] of Object.entries(NODES))
    add(`/${plural}/:id`, `read:${kind}:confluence`, (asked) => {
      sendSingle(asked, nodeWire(contentOf(asked, kind)));
    });
  // The old call knows pages only: what stands below a folder is not in it.
  add('/pages/:id/children', 'read:page:confluence', (asked) => {
    const { req, res, view } = asked;
    const sort = choiceOf(req, 'sort', [...ID_SORTS, 'child-position', '-child-position']) ?? 'child-position';
    sendPage(req, res, asked, {
      results: shown(view.childrenOf(contentOf(asked, 'page'))).filter(({ kind }) => kind === 'page'),
      rankOf: rankBy(sort),
      direction: directionOf(sort),
      toWire(child) {
        const { type: _, ...wire } = childWire(child);
        return wire;
      },
    });
  });
}

const shown = (contents: Content[]): Content[] =>
  contents.filter(({ status }) => status === 'current' || status === 'archived');

function sendChildren(asked: Asked, kind: ContentKind): void {
  const { req, res, view } = asked;
  const sorts = [...ID_SORTS, 'child-position', '-child-position', 'title', '-title'] as const;
  const sort = choiceOf(req, 'sort', sorts) ?? 'child-position';
  sendPage(req, res, asked, {
    results: shown(view.childrenOf(contentOf(asked, kind))),
    rankOf: rankBy(sort),
    direction: directionOf(sort),
    toWire: childWire,
  });
}

/** The highest first. */
function sendDescendants(asked: Asked, kind: ContentKind): void {
  const { req, res, view } = asked;
  const most = integerOf(req, 'depth', { usual: 2, max: 10 });
  const results: { content: Content; depth: number }[] = [];
  let level = [contentOf(asked, kind)];
  for (let depth = 1; depth <= most && level.length > 0; depth += 1) {
    level = level.flatMap((parent) => shown(view.childrenOf(parent)));
    results.push(...level.map((content) => ({ content, depth })));
  }
  const places = new Map(results.map(({ content }, at) => [content, at]));
  sendPage(req, res, asked, {
    results,
    rankOf: ({ content }) => [places.get(content) ?? 0],
    toWire: ({ content, depth }) => descendantWire(content, depth),
  });
}

/** The highest of those nearest to the page first; who wants more asks for those of the first one. */
function sendAncestors(asked: Asked, kind: ContentKind): void {
  const { req, res, siteUrl } = asked;
  const limit = integerOf(req, 'limit', { usual: 25 });
  const ancestors: Content[] = [];
  for (let at = contentOf(asked, kind).parent; at && ancestors.length < limit; at = at.parent) ancestors.unshift(at);
  res.json({
    results: ancestors.map((ancestor) => ({ id: ancestor.id, type: ancestor.kind })),
    _links: { base: `${siteUrl}/wiki` },
  });
}
