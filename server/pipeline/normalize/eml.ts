import { readFile } from 'node:fs/promises';
import type { Address, Email } from 'postal-mime';
import PostalMime from 'postal-mime';
import type { Block } from '../normalized.ts';
import { ContentError } from '../normalized.ts';
import { checkLength, createBlockList } from './block-list.ts';
import { htmlBlocks } from './html.ts';
import { withoutC1 } from './legacy-encodings.ts';
import type { Normalized } from './normalize.ts';
import { normalizeText } from './text.ts';

/** Most servers take far less; the reader holds a message about six times over. */
const MAX_BYTES = 100 * 1_048_576;
/** Lines that may begin a part. Each part costs memory, however short it is. */
const MAX_BOUNDARY_LINES = 50_000;
const LIMITS = { maxNestingDepth: 64, maxHeadersSize: 1_048_576, maxRfc822NestingDepth: 3 };
/** Addresses named of one header, and attachments. */
const MAX_NAMES = 200;

/**
 * A mail: sender, recipients, date and subject in one block; then the text, of the HTML version as mail programs show it, else of the plain one; then the
 * names of attachments, whose content is not read. Messages forwarded as a part are read with it. The subject is the title.
 * Errors: ContentError `corrupt`, `too_large`, `encrypted` (S/MIME, PGP). Source: RFC 5322, RFC 2045 to 2049
 */
export async function normalizeEml({ path, sizeBytes }: { path: string; sizeBytes: number }): Promise<Normalized> {
  if (sizeBytes > MAX_BYTES) throw tooLarge();
  const bytes = await readFile(path);
  checkBounds(bytes);
  const mail = await parse(bytes);
  refuseEncrypted(mail);
  const list = createBlockList();
  const subject = decoded(mail.subject);
  const head = [
    ['From', names(mail.from ? [mail.from] : [])],
    ['To', names(mail.to ?? [])],
    ['Cc', names(mail.cc ?? [])],
    ['Date', decoded(mail.date)],
    ['Subject', subject],
  ].flatMap(([label, value]) => (value ? [`${label}: ${value}`] : []));
  list.add({ kind: 'paragraph', text: head.join('\n') });
  for (const block of bodyOf(mail)) list.add(block);
  const attached = mail.attachments.filter(({ related }) => !related).map(({ filename }) => decoded(filename) ?? '');
  const named = attached.filter((name) => name !== '');
  if (named.length > 0) list.add({ kind: 'paragraph', text: `Attachments: ${shortened(named)}` });
  return { title: subject, blocks: list.blocks };
}

function bodyOf({ text, html }: Email): Block[] {
  const shown = html ? htmlBlocks(withoutC1(checkLength(html))).blocks : [];
  if (shown.length > 0) return shown;
  return text ? normalizeText(withoutC1(checkLength(text)).replace(/\r\n?/g, '\n')).blocks : [];
}

function checkBounds(bytes: Buffer): void {
  let lines = 0;
  for (let at = bytes.indexOf('\n--'); at >= 0; at = bytes.indexOf('\n--', at + 1)) lines++;
  if (lines > MAX_BOUNDARY_LINES) throw tooLarge();
}

const tooLarge = (): ContentError =>
  new ContentError(
    'too_large',
    `The message has over ${MAX_BYTES / 1_048_576} MB or over ${MAX_BOUNDARY_LINES} parts; save its text and its attachments as files and import those.`,
  );

async function parse(bytes: Buffer): Promise<Email> {
  try {
    return await PostalMime.parse(bytes, LIMITS);
  } catch (error) {
    // Its errors are those of its limits; nothing else in a message is one.
    if (!(error instanceof Error) || !/exceeded/.test(error.message)) throw error;
    throw new ContentError(
      'corrupt',
      'The message was refused because its headers are too long or its parts nest too deep, as only those made to do harm do; save its text as a file and import that.',
      { cause: error },
    );
  }
}

function refuseEncrypted({ headers }: Email): void {
  const type = headers.find(({ key }) => key === 'content-type')?.value ?? '';
  const isSealed = /^application\/(x-)?pkcs7-mime/i.test(type) && !/smime-type\s*=\s*"?signed/i.test(type);
  if (/^multipart\/encrypted/i.test(type) || isSealed)
    throw new ContentError(
      'encrypted',
      'The message is encrypted; open it in a mail program, save its text as a file and import that.',
    );
}

const decoded = (text: string | null | undefined): string | undefined =>
  withoutC1(text ?? '')
    .replace(/\s+/g, ' ')
    .trim() || undefined;

const names = (addresses: Address[]): string =>
  shortened(
    addresses
      .flatMap((each) => each.group ?? [each])
      .map(({ name, address }) => decoded(name && address ? `${name} <${address}>` : name || address) ?? '')
      .filter((each) => each !== ''),
  );

const shortened = (all: string[]): string =>
  all.length <= MAX_NAMES ? all.join(', ') : `${all.slice(0, MAX_NAMES).join(', ')} and ${all.length - MAX_NAMES} more`;
