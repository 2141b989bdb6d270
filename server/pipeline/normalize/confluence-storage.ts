import { macroElements } from './confluence-macros.ts';
import { referenceElements } from './confluence-references.ts';
import type { Flow } from './flow.ts';
import { createFlow } from './flow.ts';
import { htmlElements } from './html-elements.ts';
import type { Attributes, MarkupEvents } from './markup.ts';
import { walkMarkup } from './markup.ts';
import type { Normalized } from './normalize.ts';

/** What an element of the storage format does where it begins and ends. Those that do nothing are looked through. */
export type StorageElement = { open?(attributes: Attributes): 'skip' | void; close?(): void };
export type StorageElements = Record<string, StorageElement>;

/**
 * The body of a page in Confluence's storage format as people read the page: macros by their title and body, links by the title of what they
 * lead to, tasks with ☐ and ☑. What Confluence makes up when it shows the page (tables of contents, lists of sub-pages) is left out.
 * A body that is not well-formed is read as far as it makes sense. It has no title: that is kept beside the body.
 * Source: https://confluence.atlassian.com/doc/confluence-storage-format-790796544.html
 */
export function storageBlocks(source: string): Normalized {
  const flow = createFlow();
  walkMarkup(source, 'xhtml', storageEvents(flow));
  return { blocks: flow.finish() };
}

function storageEvents(flow: Flow): MarkupEvents {
  const html = htmlElements(flow, { skipNavigation: false });
  const elements = new Map<string, StorageElement>(
    Object.entries({
      ...pageElements(flow),
      ...taskElements(flow),
      ...editorElements(flow),
      ...macroElements(flow),
      ...referenceElements(flow),
    }),
  );
  return {
    open(name, attributes) {
      if (!name.includes(':')) return html.open(name, attributes);
      return elements.get(name)?.open?.(attributes);
    },
    close(name) {
      if (name.includes(':')) elements.get(name)?.close?.();
      else html.close(name);
    },
    text: (text) => html.text(text),
  };
}

const SKIPPED: StorageElement = { open: () => 'skip' };
const blockOf = (flow: Flow): StorageElement => ({ open: () => flow.flush(), close: () => flow.flush() });

/** The parts of a page, and what only the editor of a page or template shows. */
function pageElements(flow: Flow): StorageElements {
  const block = blockOf(flow);
  return {
    'ac:layout': block,
    'ac:layout-section': block,
    'ac:layout-cell': block,
    'ac:placeholder': SKIPPED,
    'at:declarations': SKIPPED,
  };
}

function taskElements(flow: Flow): StorageElements {
  const block = blockOf(flow);
  return {
    'ac:task-list': block,
    'ac:task': {
      open() {
        flow.flush();
        flow.enter({ kind: 'list-item', mark: '☐ ' });
      },
      close() {
        flow.flush();
        flow.leave();
      },
    },
    'ac:task-id': SKIPPED,
    'ac:task-uuid': SKIPPED,
    'ac:task-status': {
      open: () => flow.beginAside(),
      close() {
        if (flow.endAside().trim() === 'complete') flow.mark('☑ ');
      },
    },
    'ac:task-body': block,
  };
}

/** What the editor of Confluence Cloud knows and the storage format does not: nodes with parameters and content, and a copy of it in HTML. */
function editorElements(flow: Flow): StorageElements {
  const extensions: number[] = [];
  const nodes: { isItem: boolean }[] = [];
  const parameters: { key: string; isNested: boolean }[] = [];
  let spoken: string[] = [];
  return {
    'ac:adf-extension': {
      open: () => void extensions.push(flow.written()),
      close: () => void extensions.pop(),
    },
    'ac:adf-node': {
      open({ type = '' }) {
        const isItem = /^decision-?item$/i.test(type);
        nodes.push({ isItem });
        if (!isItem) return;
        flow.flush();
        flow.enter({ kind: 'list-item', mark: 'Decision: ' });
      },
      close() {
        if (!nodes.pop()?.isItem) return;
        flow.flush();
        flow.leave();
      },
    },
    'ac:adf-content': blockOf(flow),
    'ac:adf-attribute': { open: ({ key }) => (key === 'parameters' ? undefined : 'skip') },
    'ac:adf-parameter': {
      open({ key = '' }) {
        parameters.push({ key, isNested: parameters.length > 0 });
        flow.beginAside();
      },
      close() {
        const text = flow.endAside().trim();
        const parameter = parameters.pop();
        if (parameter?.key === 'title' || parameter?.key === 'latex') spoken.push(text);
        if (parameter?.isNested) return;
        for (const words of spoken) flow.write(` ${words} `);
        spoken = [];
      },
    },
    'ac:adf-fallback': {
      open() {
        if (flow.written() > (extensions.at(-1) ?? Infinity)) return 'skip';
        flow.flush();
      },
      close: () => flow.flush(),
    },
  };
}
