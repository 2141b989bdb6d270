import type { AtlassianPerson } from '../atlassian/sandbox-world.ts';
import type {
  ConfluenceAttachment,
  ConfluenceComment,
  ConfluenceSpace,
  ConfluenceState,
  Content,
  ContentKind,
} from './sandbox-state.ts';

/** What one person gets to see. */
export type View = {
  spaces: ConfluenceSpace[];
  contents: Content[];
  /** Errors: none; undefined for what is not there or not shown. */
  content(id: string, kind?: ContentKind): Content | undefined;
  attachments: ConfluenceAttachment[];
  comments: ConfluenceComment[];
  /** What stands directly below in the tree, in its order. */
  childrenOf(parent: Content): Content[];
};

export function viewOf(state: ConfluenceState, person: AtlassianPerson): View {
  const seesSpace = ({ members }: ConfluenceSpace): boolean => members?.has(person.accountId) ?? true;
  const sees = (content: Content): boolean => {
    for (let at: Content | undefined = content; at; at = at.parent)
      if (at.restrictedTo?.has(person.accountId) === false) return false;
    // Drafts are their author's alone.
    return seesSpace(content.space) && (content.status !== 'draft' || content.author.accountId === person.accountId);
  };
  let children: Map<Content | undefined, Content[]> | undefined;
  return {
    spaces: state.spaces.filter(seesSpace),
    get contents() {
      return state.contents.filter(sees);
    },
    content(id, kind) {
      const found = state.contents.find((content) => content.id === id && (!kind || content.kind === kind));
      return found && sees(found) ? found : undefined;
    },
    get attachments() {
      return state.attachments.filter(({ container }) => sees(container));
    },
    get comments() {
      return state.comments.filter(({ container }) => sees(container));
    },
    childrenOf(parent) {
      children ??= byParent(state.contents.filter(sees));
      return children.get(parent) ?? [];
    },
  };
}

function byParent(contents: Content[]): Map<Content | undefined, Content[]> {
  const children = new Map<Content | undefined, Content[]>();
  for (const content of [...contents].sort((a, b) => a.position - b.position)) {
    const siblings = children.get(content.parent);
    if (siblings) siblings.push(content);
    else children.set(content.parent, [content]);
  }
  return children;
}
