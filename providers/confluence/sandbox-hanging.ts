import { choiceOf, choicesOf, integerOf, textOf } from './sandbox-parameters.ts';
import { idRank, sendPage, type Rank } from './sandbox-paging.ts';
import { badParameter, notFound } from './sandbox-refusal.ts';
import type { ConfluenceComment, Content } from './sandbox-state.ts';
import { contentOf, DATE_SORTS, directionOf, sendSingle, type AddCall, type Asked } from './sandbox-asked.ts';
import { attachmentWire, BODY_FORMATS, commentWire } from './sandbox-wire.ts';

const ATTACHMENTS = 'read:attachment:confluence';
const COMMENTS = 'read:comment:confluence';

/** The calls for what hangs on pages and blog posts: attachments and comments. */
export function addHangingCalls(add: AddCall): void {
  add('/attachments', ATTACHMENTS, (asked) => sendAttachments(asked));
  add('/attachments/:id', ATTACHMENTS, (asked) => {
    const { req, view } = asked;
    const id = String(req.params.id);
    if (!/^(att)?\d+$/.test(id)) throw badParameter('id', id, 'an attachment');
    const found = view.attachments.find((attachment) => attachment.id === `att${id.replace('att', '')}`);
    if (!found || found.status === 'trashed') throw notFound();
    integerOf(req, 'version', { usual: 1, max: found.version.number });
    sendSingle(asked, attachmentWire(found));
  });

  for (const [plural, kind] of Object.entries({ pages: 'page', blogposts: 'blogpost' } as const)) {
    add(`/${plural}/:id/attachments`, ATTACHMENTS, (asked) => sendAttachments(asked, contentOf(asked, kind)));
    for (const of of ['footer', 'inline'] as const)
      add(`/${plural}/:id/${of}-comments`, COMMENTS, (asked) => {
        const container = contentOf(asked, kind);
        // Answers are asked for with the comment that they answer.
        sendComments(asked, (comment) => comment.kind === of && comment.container === container && !comment.parent);
      });
  }
  for (const of of ['footer', 'inline'] as const) {
    add(`/${of}-comments`, COMMENTS, (asked) => sendComments(asked, (comment) => comment.kind === of));
    add(`/${of}-comments/:id/children`, COMMENTS, (asked) => {
      const parent = asked.view.comments.find(({ id, kind }) => id === asked.req.params.id && kind === of);
      if (!parent) throw notFound();
      sendComments(asked, (comment) => comment.parent === parent);
    });
  }
}

type Dated = { id: string; createdAt: Date; version: { createdAt: Date } };

const rankByDate = ({ id, createdAt, version }: Dated, sort: string): Rank => [
  (sort.includes('created') ? createdAt : version.createdAt).getTime(),
  idRank(id.replace('att', '')),
];

function sendAttachments(asked: Asked, container?: Content): void {
  const { req, res, view } = asked;
  const statuses = choicesOf(req, 'status', ['current', 'archived', 'trashed'], ['current', 'archived']);
  const [mediaType, filename] = [textOf(req, 'mediaType'), textOf(req, 'filename')];
  const sort = choiceOf(req, 'sort', DATE_SORTS) ?? 'created-date';
  sendPage(req, res, asked, {
    results: view.attachments.filter(
      (attachment) =>
        (!container || attachment.container === container) &&
        statuses.includes(attachment.status) &&
        (mediaType === undefined || attachment.mediaType === mediaType) &&
        (filename === undefined || attachment.title === filename),
    ),
    rankOf: (attachment) => rankByDate(attachment, sort),
    direction: directionOf(sort),
    toWire: attachmentWire,
    usualLimit: 50,
  });
}

function sendComments(asked: Asked, wanted: (comment: ConfluenceComment) => boolean): void {
  const { req, res, view } = asked;
  const format = choiceOf(req, 'body-format', BODY_FORMATS);
  const sort = choiceOf(req, 'sort', DATE_SORTS) ?? 'created-date';
  sendPage(req, res, asked, {
    results: view.comments.filter((comment) => comment.status === 'current' && wanted(comment)),
    rankOf: (comment) => rankByDate(comment, sort),
    direction: directionOf(sort),
    toWire: (comment) => commentWire(comment, format),
  });
}
