import type { StorageElements } from './confluence-storage.ts';
import type { Flow } from './flow.ts';
import { collapse } from './flow.ts';
import { htmlElements } from './html-elements.ts';
import { walkMarkup } from './markup.ts';

const words = (list: string): Set<string> => new Set(list.split(' '));

/** Macros that show what is elsewhere or nothing at all: lists made when the page is shown, forms, styles. */
const UNREAD = words(
  'attachments blog-posts bookmarks change-history children content-by-user content-report-table contentbylabel contributors ' +
    'contributors-summary create-from-template create-space-button css detailssummary favpages gadget global-reports im index ' +
    'javascript labels-list listlabels livesearch navmap network page-index pagetree pagetreesearch popular-labels recently-updated ' +
    'recently-updated-dashboard recently-used-labels related-labels rss script search space-attachments space-details spacejump spaces ' +
    'status-list style tasks-report-macro toc toclist userlister viewtracker',
);
/** Macros that stand in a line of text. */
const INLINE = words('anchor eazy-math-inline jira jiraissues mathinline profile profile-picture status');

/** What macros say by a parameter; `''` is the one without a name. All others have a title, if anything. */
const SPEAKING = new Map<string, { parameters: string[]; before?: string }>([
  ['excerpt-include', { parameters: ['', 'page'], before: 'Included page: ' }],
  ['include', { parameters: ['', 'page'], before: 'Included page: ' }],
  ['eazy-math-inline', { parameters: ['body'] }],
  ['jira', { parameters: ['key'] }],
  ['jiraissues', { parameters: ['key'] }],
  ['mathinline', { parameters: ['body'] }],
  ['profile', { parameters: ['user'] }],
  ['profile-picture', { parameters: ['user'] }],
  ['view-file', { parameters: ['name'] }],
  ['viewdoc', { parameters: ['name'] }],
  ['viewpdf', { parameters: ['name'] }],
  ['viewppt', { parameters: ['name'] }],
  ['viewxls', { parameters: ['name'] }],
]);
const TITLED: { parameters: string[]; before?: string } = { parameters: ['title'] };

type Macro = { name: string; isInline: boolean };

/** Macros: their parameters come first, the body after them. */
export function macroElements(flow: Flow): StorageElements {
  const macros: Macro[] = [];
  const parameters: string[] = [];

  const say = (parameter: string, text: string): void => {
    const macro = macros.at(-1);
    if (!macro || text === '') return;
    if (parameter === 'atlassian-macro-output-type') macro.isInline ||= text.toLowerCase() === 'inline';
    const speaking = SPEAKING.get(macro.name) ?? TITLED;
    if (!speaking.parameters.includes(parameter)) return;
    if (!macro.isInline) flow.flush();
    flow.write(` ${speaking.before ?? ''}${text}`);
    if (!macro.isInline) flow.flush();
  };
  const macro: StorageElements[string] = {
    open(attributes) {
      const name = (attributes['ac:name'] ?? '').toLowerCase();
      if (UNREAD.has(name)) return 'skip';
      macros.push({ name, isInline: INLINE.has(name) });
    },
    close: () => void macros.pop(),
  };
  const parameter: StorageElements[string] = {
    open(attributes) {
      parameters.push((attributes['ac:name'] ?? '').toLowerCase());
      flow.beginAside();
    },
    close() {
      const name = parameters.pop() ?? '';
      say(name, plain(collapse(flow.endAside())));
    },
  };
  const flushAroundBlocks = (): void => {
    if (!macros.at(-1)?.isInline) flow.flush();
  };
  return {
    'ac:structured-macro': macro,
    'ac:macro': macro,
    'ac:parameter': parameter,
    'ac:default-parameter': parameter,
    'ac:rich-text-body': { open: flushAroundBlocks, close: flushAroundBlocks },
    'ac:plain-text-body': plainTextBody(flow, () => macros.at(-1)),
  };
}

/** Code and the like, line by line; the body of the HTML macro is HTML. */
function plainTextBody(flow: Flow, macro: () => Macro | undefined): StorageElements[string] {
  return {
    open() {
      if (macro()?.isInline) return;
      flow.flush();
      if (macro()?.name === 'html') flow.beginAside();
      else flow.enter({ kind: 'code' });
    },
    close() {
      if (macro()?.isInline) return;
      if (macro()?.name === 'html') walkMarkup(flow.endAside(), 'html', htmlElements(flow, { skipNavigation: true }));
      flow.flush();
      if (macro()?.name !== 'html') flow.leave();
    },
  };
}

/** Macros for formulas keep them encoded. */
function plain(text: string): string {
  if (!text.startsWith('--uriencoded--')) return text;
  const encoded = text.slice('--uriencoded--'.length);
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}
