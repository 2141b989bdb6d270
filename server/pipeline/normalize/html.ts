import { Parser } from 'htmlparser2';
import { decodeText } from './decode.ts';
import { createHtmlReader } from './html-reader.ts';
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
 * HTML, or a page in Confluence's storage format, as blocks. Scripts, styles and navigation are left out; a page that is nothing but
 * navigation is read with it.
 */
export function htmlBlocks(html: string): Normalized {
  const sparing = read(html, true);
  return sparing.blocks.length > 0 ? sparing : read(html, false);
}

function read(html: string, skipNavigation: boolean): Normalized {
  const reader = createHtmlReader({ skipNavigation });
  const parser = new Parser(reader.handler, {
    decodeEntities: true,
    recognizeCDATA: true,
    recognizeSelfClosing: /<\/?(ac|ri):/.test(html),
  });
  parser.write(html);
  parser.end();
  return reader.finish();
}
