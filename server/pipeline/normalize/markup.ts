import { Tokenizer } from 'htmlparser2';

export type Attributes = Record<string, string>;

export type MarkupEvents = {
  /** `skip` leaves the element out with all that is in it; its end is then not told. */
  open(name: string, attributes: Attributes): 'skip' | void;
  /** Told once for every element that was opened, in the order in which they nest, even where the source has no end tag. */
  close(name: string): void;
  text(text: string): void;
};

const words = (list: string): Set<string> => new Set(list.split(' '));

const VOID = words(
  'area base basefont br col command embed frame hr img input isindex keygen link meta param source track wbr',
);

/** What no block stands in. The parameters are Confluence's: one without its end tag would take the rest of the page with it. */
const LINES = words('p ac:parameter ac:default-parameter');
const CELLS = words('td th');
const SECTIONS = words('thead tbody tfoot tr td th');
const TERMS = words('dd dt');
const RUBY = words('rt rp');

/** Elements that end the ones before them, where those have no end tag. Source: https://html.spec.whatwg.org/#optional-tags */
const ENDS = new Map<string, Set<string>>([
  ...[
    ...words(
      'address article aside blockquote details div dl fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr main nav ol p ' +
        'pre section table ul ac:parameter ac:plain-text-body ac:rich-text-body ac:task-list',
    ),
  ].map((name): [string, Set<string>] => [name, LINES]),
  ['li', words('li')],
  ['dd', TERMS],
  ['dt', TERMS],
  ['td', CELLS],
  ['th', CELLS],
  ['tr', words('tr td th')],
  ['tbody', SECTIONS],
  ['tfoot', SECTIONS],
  ['option', words('option')],
  ['optgroup', words('option optgroup')],
  ['rt', RUBY],
  ['rp', RUBY],
  ['body', words('head')],
]);

/**
 * Walks HTML (`html`) or XHTML (`xhtml`: any element may close itself), well-formed or not, and tells of elements and text as a browser
 * would nest them. Names come in lower case, entities decoded, CDATA as text. Takes time linear in the source however deep it nests:
 * htmlparser2's own parser, which this stands in for, moves all open elements at every tag.
 */
export function walkMarkup(source: string, dialect: 'html' | 'xhtml', events: MarkupEvents): void {
  const elements = createNesting(dialect, events);
  let name = '';
  let attributes: Attributes = {};
  let attribute = { name: '', value: '' };
  const tokenizer = new Tokenizer(
    { decodeEntities: true },
    {
      onopentagname(from, to) {
        name = source.slice(from, to).toLowerCase();
        attributes = {};
      },
      onattribname: (from, to) => void (attribute = { name: source.slice(from, to).toLowerCase(), value: '' }),
      onattribdata: (from, to) => void (attribute.value += source.slice(from, to)),
      onattribentity: (codePoint) => void (attribute.value += String.fromCodePoint(codePoint)),
      onattribend: () => void (attributes[attribute.name] ??= attribute.value),
      onopentagend: () => elements.begin(name, attributes, false),
      onselfclosingtag: () => elements.begin(name, attributes, true),
      onclosetag: (from, to) => elements.end(source.slice(from, to).toLowerCase()),
      ontext: (from, to) => elements.text(source.slice(from, to)),
      ontextentity: (codePoint) => elements.text(String.fromCodePoint(codePoint)),
      oncdata: (from, to, ending) => elements.text(source.slice(from, to - ending)),
      oncomment: () => {},
      ondeclaration: () => {},
      onprocessinginstruction: () => {},
      onend: () => elements.endAll(),
    },
  );
  tokenizer.write(source);
  tokenizer.end();
}

/** Keeps what is open, ends what has no end tag, and tells nothing of what is skipped. */
function createNesting(dialect: 'html' | 'xhtml', events: MarkupEvents) {
  const open: string[] = [];
  const counts = new Map<string, number>();
  /** How many elements are open around the one that is skipped. */
  let skippedAt: number | undefined;

  const isOpen = (name: string): boolean => (counts.get(name) ?? 0) > 0;
  const count = (name: string, by: number): void => void counts.set(name, (counts.get(name) ?? 0) + by);
  const endInnermost = (): string => {
    const name = open.pop()!;
    count(name, -1);
    if (skippedAt === undefined) events.close(name);
    else if (open.length === skippedAt) skippedAt = undefined;
    return name;
  };
  const begin = (name: string, attributes: Attributes, isClosed: boolean): void => {
    const ended = ENDS.get(name);
    while (ended?.has(open.at(-1) ?? '')) endInnermost();
    const isSkipped = skippedAt !== undefined || events.open(name, attributes) === 'skip';
    if (VOID.has(name)) {
      if (!isSkipped) events.close(name);
      return;
    }
    if (isSkipped) skippedAt ??= open.length;
    open.push(name);
    count(name, 1);
    // In HTML, only elements of drawings and formulas close themselves.
    if (isClosed && (dialect === 'xhtml' || isOpen('svg') || isOpen('math'))) endInnermost();
  };
  return {
    begin,
    end(name: string): void {
      // Browsers take a stray end tag of a line break for a line break.
      if (name === 'br') begin(name, {}, false);
      else if (isOpen(name)) while (endInnermost() !== name);
    },
    endAll(): void {
      while (open.length > 0) endInnermost();
    },
    text(text: string): void {
      if (skippedAt === undefined) events.text(text);
    },
  };
}
