import { storageBlocks } from './confluence-storage.ts';
import { decodeText } from './decode.ts';
import { createFlow } from './flow.ts';
import { htmlElements } from './html-elements.ts';
import { walkMarkup } from './markup.ts';
import type { Normalized } from './normalize.ts';

/** An HTML file: its charset from the byte order mark, its `meta`, or the bytes. */
export function normalizeHtml(bytes: Buffer): Normalized {
  const head = bytes.subarray(0, 4_096).toString('latin1');
  const declared =
    /<meta[^>]+charset\s*=\s*["']?\s*([\w:.-]+)/i.exec(head)?.[1] ??
    /^<\?xml[^>]+encoding=["']([\w.-]+)/i.exec(head)?.[1];
  return htmlBlocks(decodeText(bytes, declared));
}

/**
 * HTML as blocks. Scripts, styles and navigation are left out; a page that is nothing but navigation is read with it. What holds elements of
 * Confluence's storage format is read as that.
 */
export function htmlBlocks(html: string): Normalized {
  if (/<(ac|ri):[a-z]/.test(html)) return storageBlocks(html);
  const sparing = read(html, true);
  return sparing.blocks.length > 0 ? sparing : read(html, false);
}

function read(html: string, skipNavigation: boolean): Normalized {
  const flow = createFlow();
  const page = htmlElements(flow, { skipNavigation });
  walkMarkup(html, 'html', page);
  const blocks = flow.finish();
  return { title: page.title() || blocks.find(({ kind, level }) => kind === 'heading' && level === 1)?.text, blocks };
}
