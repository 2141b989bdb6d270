import { escapeHtml } from '../escape-html.ts';
import { isRecord, parseJson } from '../json.ts';
import { parseUrl } from '../urls.ts';

type Attributes = Record<string, unknown>;
/** What one node gives: its own markup, and the nodes that stand in it. */
type Rendered = { open: string; close?: string; children?: readonly unknown[] };

export type AdfOptions = {
  /** The file name of a media node without a text of its own, by the node's `attrs` (`id`, `collection`). */
  mediaName?: (attributes: Attributes) => string | undefined;
};

/**
 * Atlassian Document Format as an HTML fragment, text escaped, with links to http, https and mailto only. `doc` is the document or its
 * JSON; a text that is neither becomes a paragraph. Nodes of unknown kinds give what is in them, whatever their shape.
 * Source: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
 */
export function adfToHtml(doc: unknown, options: AdfOptions = {}): string {
  const root = typeof doc === 'string' ? parseJson(doc) : doc;
  if (typeof doc === 'string' && !isRecord(root)) return doc.trim() === '' ? '' : `<p>${lines(doc)}</p>`;
  const parts: string[] = [];
  // A stack instead of recursion: documents may be nested deeper than calls can be.
  const stack: (string | { node: unknown })[] = [{ node: root }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (typeof next === 'string') {
      parts.push(next);
      continue;
    }
    const { open, close = '', children = [] } = render(next.node, options);
    parts.push(open);
    stack.push(close);
    for (let at = children.length - 1; at >= 0; at--) stack.push({ node: children[at] });
  }
  return parts.join('');
}

/** Nodes that are an element and nothing more. */
const ELEMENTS = new Map([
  ['paragraph', 'p'],
  ['bulletList', 'ul'],
  ['listItem', 'li'],
  ['taskList', 'ul'],
  ['decisionList', 'ul'],
  ['blockquote', 'blockquote'],
  ['panel', 'div'],
  ['table', 'table'],
  ['tableRow', 'tr'],
  ['mediaSingle', 'figure'],
  ['mediaGroup', 'div'],
  ['caption', 'figcaption'],
  ['layoutSection', 'div'],
  ['layoutColumn', 'div'],
]);

function render(node: unknown, options: AdfOptions): Rendered {
  if (!isRecord(node)) return NOTHING;
  const attributes = isRecord(node.attrs) ? node.attrs : {};
  const children = Array.isArray(node.content) ? (node.content as unknown[]) : [];
  const type = textOf(node.type);
  const element = ELEMENTS.get(type);
  if (element) return { open: `<${element}>`, close: `</${element}>`, children };
  switch (type) {
    case 'text':
      return { open: marked(lines(textOf(node.text)), node.marks) };
    case 'heading':
      return inElement(`h${Math.min(6, Math.max(1, Math.trunc(Number(attributes.level)) || 1))}`, children);
    case 'orderedList':
      return { open: `<ol${number('start', attributes.order)}>`, close: '</ol>', children };
    case 'tableHeader':
      return cell('th', attributes, children);
    case 'tableCell':
      return cell('td', attributes, children);
    case 'taskItem':
    case 'blockTaskItem':
      return { open: `<li>${attributes.state === 'DONE' ? '☑' : '☐'} `, close: '</li>', children: unwrapped(children) };
    case 'decisionItem':
      return { open: '<li>Decision: ', close: '</li>', children };
    case 'codeBlock':
      return { open: codeBlock(textOf(attributes.language), children) };
    case 'expand':
    case 'nestedExpand':
      return titled('details', 'summary', textOf(attributes.title), children);
    case 'rule':
      return { open: '<hr>' };
    case 'hardBreak':
      return { open: '<br>' };
    case 'doc':
      return { open: '', children };
    case 'placeholder':
      // What a template's author asks of the next one is no content.
      return NOTHING;
    case 'unsupportedBlock':
    case 'unsupportedInline':
      return { open: '', children: [attributes.originalValue] };
    default:
      return renderReference(type, attributes, children, options);
  }
}

/** Nodes that stand for something elsewhere: people, dates, links, files, macros; and nodes of kinds not known here. */
function renderReference(
  type: string,
  attributes: Attributes,
  children: readonly unknown[],
  options: AdfOptions,
): Rendered {
  switch (type) {
    case 'mention':
    case 'status':
      return { open: escapeHtml(textOf(attributes.text)) };
    case 'emoji':
      return { open: escapeHtml(textOf(attributes.text) || textOf(attributes.shortName)) };
    case 'date':
      return { open: dayOf(attributes.timestamp) };
    case 'inlineCard':
      return { open: card(attributes) };
    case 'blockCard':
    case 'embedCard':
      return { open: `<p>${card(attributes)}</p>` };
    case 'media':
      return { open: picture(attributes, options) };
    case 'mediaInline':
      return { open: escapeHtml(mediaName(attributes, options)) };
    case 'extension':
    case 'bodiedExtension':
    case 'multiBodiedExtension':
      return titled('div', 'p', extensionTitle(attributes), children);
    case 'inlineExtension':
      return { open: escapeHtml(extensionTitle(attributes)) };
    default:
      return children.length > 0 ? inElement('div', children) : { open: escapeHtml(textOf(attributes.text)) };
  }
}

const NOTHING: Rendered = { open: '' };
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const lines = (text: string): string => escapeHtml(text).replace(/\r?\n/g, '<br>');
const inElement = (name: string, children: readonly unknown[]): Rendered => ({
  open: `<${name}>`,
  close: `</${name}>`,
  children,
});

/** A title in an element of its own, then the children. */
const titled = (name: string, titleElement: string, title: string, children: readonly unknown[]): Rendered => {
  const head = title.trim() === '' ? '' : `<${titleElement}>${escapeHtml(title)}</${titleElement}>`;
  return head === '' && children.length === 0 ? NOTHING : { ...inElement(name, children), open: `<${name}>${head}` };
};

/** A whole number above one as an attribute. */
const number = (name: string, value: unknown): string =>
  typeof value === 'number' && Number.isInteger(value) && value > 1 ? ` ${name}="${value}"` : '';

const cell = (name: string, { colspan, rowspan }: Attributes, children: readonly unknown[]): Rendered => ({
  ...inElement(name, children),
  open: `<${name}${number('colspan', colspan)}${number('rowspan', rowspan)}>`,
});

/** The first paragraph's words stand on the line of the mark before them. */
function unwrapped(children: readonly unknown[]): readonly unknown[] {
  const [first, ...rest] = children;
  return isRecord(first) && first.type === 'paragraph' && Array.isArray(first.content)
    ? [...(first.content as unknown[]), ...rest]
    : children;
}

function codeBlock(language: string, children: readonly unknown[]): string {
  const words = /^[\w+#.-]{1,40}$/.test(language) ? ` class="language-${language}"` : '';
  const text = children.map((child) => (isRecord(child) ? textOf(child.text) : '')).join('');
  return `<pre><code${words}>${escapeHtml(text)}</code></pre>`;
}

const MARKS = new Map([
  ['strong', 'strong'],
  ['em', 'em'],
  ['code', 'code'],
  ['strike', 's'],
  ['underline', 'u'],
]);

function marked(html: string, marks: unknown): string {
  let result = html;
  for (const mark of Array.isArray(marks) ? (marks as unknown[]) : []) {
    if (!isRecord(mark)) continue;
    const attributes = isRecord(mark.attrs) ? mark.attrs : {};
    const element = mark.type === 'subsup' ? subsup(attributes.type) : MARKS.get(textOf(mark.type));
    if (element) result = `<${element}>${result}</${element}>`;
    if (mark.type === 'link') result = linked(result, textOf(attributes.href));
  }
  return result;
}

const subsup = (type: unknown): string | undefined => (type === 'sub' || type === 'sup' ? type : undefined);

function linked(html: string, href: string): string {
  const url = parseUrl(href);
  return url && ['http:', 'https:', 'mailto:'].includes(url.protocol)
    ? `<a href="${escapeHtml(url.href)}">${html}</a>`
    : html;
}

/** The link of a card; some hold their data as JSON-LD instead of an address. */
function card({ url, data }: Attributes): string {
  const held = isRecord(data) ? data : {};
  const href = textOf(url) || textOf(held.url);
  return linked(escapeHtml(textOf(held.name) || href), href);
}

/** The day of a date node, in UTC as it was picked. Units: milliseconds since 1970, as text. */
function dayOf(timestamp: unknown): string {
  const date = new Date(typeof timestamp === 'string' || typeof timestamp === 'number' ? Number(timestamp) : NaN);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 10);
}

const mediaName = (attributes: Attributes, options: AdfOptions): string =>
  textOf(attributes.alt) || (options.mediaName?.(attributes) ?? '');

function picture(attributes: Attributes, options: AdfOptions): string {
  const name = mediaName(attributes, options);
  return name === '' ? '' : `<div><img alt="${escapeHtml(name)}"></div>`;
}

/** What a reader sees of a macro beside its body: its title, or the key of the issue it shows. */
function extensionTitle({ parameters, text }: Attributes): string {
  const given = isRecord(parameters) ? parameters : {};
  const macro = isRecord(given.macroParams) ? given.macroParams : undefined;
  if (!macro) return textOf(given.extensionTitle) || textOf(text);
  const valueOf = (name: string): string => (isRecord(macro[name]) ? textOf(macro[name].value) : '');
  return valueOf('title') || valueOf('key');
}
