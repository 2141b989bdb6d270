import { createHash } from 'node:crypto';
import { marked, type Token, type Tokens } from 'marked';

/** A node of the Atlassian Document Format. */
export type Adf = {
  type: string;
  version?: 1;
  attrs?: Record<string, unknown>;
  text?: string;
  marks?: { type: string; attrs?: Record<string, unknown> }[];
  content?: Adf[];
};

export type Names = {
  /** Account id of a person by name. */
  accountIdOf: (name: string) => string;
  /** Id at the media service of an attachment by its file name; not the attachment's own id. */
  mediaIdOf: (fileName: string) => string;
};

const EMOJI: Record<string, string> = {
  anchor: '⚓',
  cake: '🍰',
  ferry: '⛴️',
  thumbsup: '👍',
  tada: '🎉',
  warning: '⚠️',
  white_check_mark: '✅',
};
/** What stands between the words beside Markdown: `@[Name]`, `:anchor:`, `{2026-05-01}` and `{In dock:blue}`. */
const SPECIAL = /@\[([^\]]+)\]|:([a-z_]+):|\{(\d{4}-\d\d-\d\d)\}|\{([^{}:]+):([a-z]+)\}/g;
/** `> [!warning]` makes a panel of the kind named, `> [!expand] Title` something to fold out. */
const PANEL = /^\[!(info|note|warning|success|error|expand)\] ?([^\n]*)\n?/;

/** A document as Jira keeps it, from Markdown with the few additions of SPECIAL and PANEL. `![name]()` stands for an attachment. */
export function adfOf(markdown: string, names: Names): Adf {
  const write = createWriter(names, digest(markdown));
  return { type: 'doc', version: 1, content: write.blocks(marked.lexer(markdown)) };
}

/** All words of a document, for searching. */
export function textOf(node: Adf | null | undefined): string {
  if (!node) return '';
  const own = node.text ?? (typeof node.attrs?.text === 'string' ? node.attrs.text : '');
  return [own, ...(node.content ?? []).map(textOf)].filter((text) => text !== '').join(' ');
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

type Writer = { blocks(tokens: Token[]): Adf[] };

function createWriter({ accountIdOf, mediaIdOf }: Names, seed: string): Writer {
  let made = 0;
  const localId = (): string => digest(`${seed} ${(made += 1)}`).slice(0, 12);

  const words = (text: string, marks: Adf['marks']): Adf[] => {
    const nodes: Adf[] = [];
    let from = 0;
    const plain = (to: number): void => {
      if (to > from) nodes.push({ type: 'text', text: text.slice(from, to), ...(marks?.length ? { marks } : {}) });
    };
    for (const found of text.matchAll(SPECIAL)) {
      const [whole, name, emoji, date, status, color] = found;
      if (emoji !== undefined && EMOJI[emoji] === undefined) continue;
      plain(found.index);
      from = found.index + whole.length;
      if (name !== undefined)
        nodes.push({ type: 'mention', attrs: { id: accountIdOf(name), text: `@${name}`, accessLevel: '' } });
      else if (emoji !== undefined)
        nodes.push({ type: 'emoji', attrs: { shortName: `:${emoji}:`, text: EMOJI[emoji] } });
      else if (date !== undefined) nodes.push({ type: 'date', attrs: { timestamp: String(Date.parse(date)) } });
      else nodes.push({ type: 'status', attrs: { text: status, color, localId: localId(), style: '' } });
    }
    plain(text.length);
    return nodes;
  };

  const inline = (tokens: Token[] = [], marks: NonNullable<Adf['marks']> = []): Adf[] =>
    tokens.flatMap((token): Adf[] => {
      const inner = (mark: { type: string; attrs?: Record<string, unknown> }): Adf[] =>
        inline((token as Tokens.Strong).tokens, [...marks, mark]);
      if (token.type === 'strong') return inner({ type: 'strong' });
      if (token.type === 'em') return inner({ type: 'em' });
      if (token.type === 'del') return inner({ type: 'strike' });
      if (token.type === 'codespan')
        return [{ type: 'text', text: (token as Tokens.Codespan).text, marks: [...marks, { type: 'code' }] }];
      if (token.type === 'br') return [{ type: 'hardBreak' }];
      // The box of a task; the task's state says whether it is ticked.
      if (token.type === 'checkbox' || token.type === 'space') return [];
      if (token.type === 'link') {
        const { href, text } = token as Tokens.Link;
        return href === text
          ? [{ type: 'inlineCard', attrs: { url: href } }]
          : inner({ type: 'link', attrs: { href } });
      }
      if ('tokens' in token && token.tokens) return inline(token.tokens, marks);
      return words((token as Tokens.Text).text, marks);
    });

  const paragraph = (tokens: Token[] | undefined): Adf => {
    const [only, ...others] = tokens ?? [];
    if (only?.type !== 'image' || others.length > 0) return { type: 'paragraph', content: inline(tokens) };
    const { text } = only as Tokens.Image;
    return {
      type: 'mediaSingle',
      attrs: { layout: 'center' },
      content: [{ type: 'media', attrs: { id: mediaIdOf(text), type: 'file', collection: '', alt: text } }],
    };
  };

  const list = ({ items, ordered, start }: Tokens.List): Adf => {
    if (items.some(({ task }) => task))
      return {
        type: 'taskList',
        attrs: { localId: localId() },
        content: items.map((item) => ({
          type: 'taskItem',
          attrs: { localId: localId(), state: item.checked ? 'DONE' : 'TODO' },
          content: inline(item.tokens),
        })),
      };
    const content = items.map((item): Adf => ({ type: 'listItem', content: blocks(item.tokens) }));
    return ordered
      ? { type: 'orderedList', attrs: { order: start === '' ? 1 : start }, content }
      : { type: 'bulletList', content };
  };

  const table = ({ header, rows }: Tokens.Table): Adf => {
    const row = (type: string, cells: Tokens.TableCell[]): Adf => ({
      type: 'tableRow',
      content: cells.map(({ tokens }) => ({ type, attrs: {}, content: [paragraph(tokens)] })),
    });
    return {
      type: 'table',
      attrs: { isNumberColumnEnabled: false, layout: 'default', localId: localId() },
      content: [row('tableHeader', header), ...rows.map((cells) => row('tableCell', cells))],
    };
  };

  const quote = (text: string): Adf => {
    const [mark = '', kind, title] = PANEL.exec(text) ?? [];
    const content = blocks(marked.lexer(text.slice(mark.length)));
    if (kind === undefined) return { type: 'blockquote', content };
    return kind === 'expand'
      ? { type: 'expand', attrs: { title }, content }
      : { type: 'panel', attrs: { panelType: kind }, content };
  };

  const blocks = (tokens: Token[]): Adf[] =>
    tokens.flatMap((token): Adf[] => {
      if (token.type === 'space') return [];
      if (token.type === 'hr') return [{ type: 'rule' }];
      if (token.type === 'heading')
        return [{ type: 'heading', attrs: { level: (token as Tokens.Heading).depth }, content: inline(token.tokens) }];
      if (token.type === 'list') return [list(token as Tokens.List)];
      if (token.type === 'table') return [table(token as Tokens.Table)];
      if (token.type === 'blockquote') return [quote((token as Tokens.Blockquote).text)];
      if (token.type === 'code') {
        const { lang, text } = token as Tokens.Code;
        return [{ type: 'codeBlock', attrs: lang ? { language: lang } : {}, content: [{ type: 'text', text }] }];
      }
      return [paragraph((token as Tokens.Paragraph).tokens)];
    });

  return { blocks };
}
