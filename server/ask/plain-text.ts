/**
 * What a model wrote, made harmless: text that no page, mail or Markdown reader can take for a link, an image or HTML. A model that
 * follows a document's orders could else carry what it read to another place, in the address of an image.
 */

/** Addresses with a scheme or none, as Markdown readers link them too. */
const ADDRESS =
  /(?:\b[a-z][a-z0-9+.-]{0,30}:)?(?:\/\/|\\\\)[^\s<>"'`)\]}]+|\bwww\.[^\s<>"'`)\]}]+|\b(?:mailto|javascript|vbscript|data|blob|file|tel|sms|xmpp):[^\s<>"'`)\]}]+/giu;
/** Control characters, and those that hide or turn text around; joiners that scripts need stay. */
const UNSEEN = /[\p{Cc}\p{Co}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/gu;

const LEFT_OUT = '(address left out)';

/** One sentence or line as plain text, without any address: where a passage has one, its citation shows it. */
export function toPlainText(text: string): string {
  return (
    text
      .replace(/\s+/g, ' ')
      .replace(UNSEEN, '')
      .replace(/\*\*|`+|~~/g, '')
      .replace(/(?<![\p{L}\p{N}])__|__(?![\p{L}\p{N}])/gu, '')
      .replace(ADDRESS, (address) => LEFT_OUT + (/[.,;:!?]+$/.exec(address)?.[0] ?? ''))
      // Without "](", "]:", "![" and "<x" there is no link, image or tag; the words stay.
      .replace(/!(?=\[)/g, '')
      .replace(/\](?=[([:])/g, '] ')
      .replace(/<(?=[\p{L}/!?])/gu, '< ')
      .replace(/&(?=[#\w]+;)/g, '& ')
      .replace(/ {2,}/g, ' ')
      .trim()
  );
}
