import { open } from 'node:fs/promises';
import { DETECT_HEAD_BYTES, detect, extensionOf } from '../detect.ts';
import type { Block, Format, NormalizedDocument } from '../normalized.ts';
import { ContentError } from '../normalized.ts';
import { decodeText } from './decode.ts';
import { piecesOf, readTextFile } from './file-bytes.ts';
import { refuseOle } from './ole.ts';

export type NormalizeInput = { path: string; name: string; mediaType: string; sizeBytes: number };

/** What one format's normalizer gives. */
export type Normalized = { title?: string; blocks: Block[] };

/**
 * Reads a spooled file into blocks. Parsers of a format are loaded when a file of it first comes.
 * Errors: ContentError `unsupported`, `encrypted`, `corrupt`, `no_text`, `too_large`.
 */
export async function normalize(file: NormalizeInput): Promise<NormalizedDocument> {
  const detected = detect(await headOf(file.path), file.name, file.mediaType);
  if (detected === 'ole') return refuseOle(file.path);
  const { format, title, blocks } =
    detected === 'zip' ? await readPackage(file) : { format: detected, ...(await read(detected, file)) };
  cleanBlocks(blocks);
  if (!blocks.some(({ text }) => /[\p{L}\p{N}\p{S}]/u.test(text)))
    throw new ContentError(
      'no_text',
      'The file holds no text, only pictures or empty pages; run text recognition (OCR) on it and import the result.',
    );
  return { format, title: cleanTitle(title), blocks };
}

async function readPackage(file: NormalizeInput): Promise<Normalized & { format: Format }> {
  const { withZip } = await import('./zip.ts');
  const { officeKind } = await import('./ooxml.ts');
  return withZip(file.path, file.sizeBytes, async (zip) => {
    const format = await officeKind(zip);
    switch (format) {
      case 'docx':
        return { format, ...(await (await import('./docx.ts')).normalizeDocx(zip)) };
      case 'pptx':
        return { format, ...(await (await import('./pptx.ts')).normalizePptx(zip)) };
      case 'xlsx':
        return { format, ...(await (await import('./xlsx.ts')).normalizeXlsx(zip)) };
      case 'odt':
      case 'ods':
      case 'odp':
        return { format, ...(await (await import('./odf.ts')).normalizeOdf(zip, format)) };
    }
  });
}

async function read(format: Format, file: NormalizeInput): Promise<Normalized> {
  switch (format) {
    case 'pdf':
      return (await import('./pdf.ts')).normalizePdf(file);
    case 'html':
      return (await import('./html.ts')).normalizeHtml(await readTextFile(file));
    case 'confluence':
      return (await import('./confluence-storage.ts')).storageBlocks(decodeText(await readTextFile(file)));
    case 'md':
      return (await import('./markdown.ts')).normalizeMarkdown(decodeText(await readTextFile(file)));
    case 'csv':
      return (await import('./csv.ts')).normalizeCsv(
        decodeText(await readTextFile(file)),
        extensionOf(file.name) === 'tsv' ? '\t' : undefined,
      );
    case 'json':
      return (await import('./json.ts')).normalizeJson(decodeText(await readTextFile(file)));
    case 'odt':
    case 'ods':
    case 'odp': {
      const { flatPackage, normalizeOdf } = await import('./odf.ts');
      return normalizeOdf(flatPackage(file.path), format);
    }
    case 'rtf':
      return (await import('./rtf.ts')).normalizeRtf(piecesOf(file.path));
    case 'eml':
      return (await import('./eml.ts')).normalizeEml(file);
    default:
      return (await import('./text.ts')).normalizeText(decodeText(await readTextFile(file)));
  }
}

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(DETECT_HEAD_BYTES), 0, DETECT_HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

// What a Postgres text column refuses (zero), what says nothing (other control characters), and halves of surrogate pairs.
// eslint-disable-next-line no-control-regex
const UNWANTED = /[\u0000-\u0008\u000b\u000e-\u001f\u007f\ufdd0-\ufdef\ufffe\uffff]/g;
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function clean(text: string): string {
  const plain = text.replace(UNWANTED, '').replace(LONE_SURROGATE, '\ufffd');
  return plain.replace(/\r\n?|\f/g, '\n').replaceAll('\u00a0', ' ');
}

/** Cleans the blocks where they are, so that no second list of a long document is held; those without text go. */
function cleanBlocks(blocks: Block[]): void {
  let kept = 0;
  for (const block of blocks) {
    const text = clean(block.text);
    block.text = block.kind === 'code' ? text.replace(/^(\s*\n)+/, '').trimEnd() : text.trim();
    if (block.text === '') continue;
    if (block.tableHeader) block.tableHeader = clean(block.tableHeader).trim();
    blocks[kept++] = block;
  }
  blocks.length = kept;
}

/** A title fit to be shown: one line of at most 300 characters, or undefined. */
function cleanTitle(title: string | undefined): string | undefined {
  const line = clean(title ?? '')
    .replace(/\s+/g, ' ')
    .trim();
  return line === '' ? undefined : line.slice(0, 300).replace(LONE_SURROGATE, '');
}
