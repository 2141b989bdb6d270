import type { AtlassianPerson } from '../atlassian/sandbox-world.ts';
import type {
  ConfluenceAttachment,
  ConfluenceComment,
  ConfluenceSpace,
  Content,
  ContentKind,
  Version,
} from './sandbox-state.ts';
import type { View } from './sandbox-view.ts';

/** What the first version of the API treats alike: a page and its like, an attachment, a comment. */
export type Found = {
  type: ContentKind | 'attachment' | 'comment';
  id: string;
  status: string;
  title: string;
  space: ConfluenceSpace;
  /** The page or post that it hangs on. */
  container?: Content;
  content?: Content;
  attachment?: ConfluenceAttachment;
  comment?: ConfluenceComment;
  createdAt: Date;
  version: Version;
  author: AtlassianPerson;
};

const common = ({ id, status, createdAt, version, author }: Content | ConfluenceAttachment | ConfluenceComment) => ({
  id,
  status,
  createdAt,
  version,
  author,
});

export const foundContent = (content: Content): Found => ({
  ...common(content),
  type: content.kind,
  title: content.title,
  space: content.space,
  content,
});

export const foundAttachment = (attachment: ConfluenceAttachment): Found => ({
  ...common(attachment),
  type: 'attachment',
  title: attachment.title,
  space: attachment.container.space,
  container: attachment.container,
  attachment,
});

export const foundComment = (comment: ConfluenceComment): Found => ({
  ...common(comment),
  type: 'comment',
  title: `Re: ${comment.container.title}`,
  space: comment.container.space,
  container: comment.container,
  comment,
});

/** Everything that CQL looks through, in an order that stays. */
export const searchable = ({ contents, attachments, comments }: View): Found[] => [
  ...contents.filter(({ status }) => status === 'current').map(foundContent),
  ...attachments.filter(isFound).map(foundAttachment),
  ...comments.filter(isFound).map(foundComment),
];

const isFound = ({ status, container }: { status: string; container: Content }): boolean =>
  status === 'current' && container.status === 'current';
