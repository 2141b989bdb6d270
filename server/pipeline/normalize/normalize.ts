import { open, readFile } from 'node:fs/promises';
import { DETECT_HEAD_BYTES, detect, extensionOf } from '../detect.ts';
import type { Block, Format, NormalizedDocument } from '../normalized.ts';
import { ContentError } from '../normalized.ts';
import { decodeText } from './decode.ts';
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
  const cleaned = blocks.flatMap(cleanBlock);
  if (!cleaned.some(({ text }) => /[\p{L}\p{N}\p{S}]/u.test(text)))
    throw new ContentError(
      'no_text',
      'The file holds no text, only pictures or empty pages; run text recognition (OCR) on it and import the result.',
    );
  return { format, title: cleanTitle(title), blocks: cleaned };
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
  const bytes = await readFile(file.path);
  switch (format) {
    case 'pdf':
      return (await import('./pdf.ts')).normalizePdf(bytes);
    case 'html':
      return (await import('./html.ts')).normalizeHtml(bytes);
    case 'confluence':
      return (await import('./confluence-storage.ts')).storageBlocks(decodeText(bytes));
    case 'md':
      return (await import('./markdown.ts')).normalizeMarkdown(decodeText(bytes));
    case 'csv':
      return (await import('./csv.ts')).normalizeCsv(
        decodeText(bytes),
        extensionOf(file.name) === 'tsv' ? '\t' : undefined,
      );
    case 'json':
      return (await import('./json.ts')).normalizeJson(decodeText(bytes));
    case 'odt':
    case 'ods':
    case 'odp': {
      const { flatPackage, normalizeOdf } = await import('./odf.ts');
      return normalizeOdf(flatPackage(bytes), format);
    }
    case 'rtf':
      return (await import('./rtf.ts')).normalizeRtf(bytes);
    case 'eml':
      return (await import('./eml.ts')).normalizeEml(bytes);
    default:
      return (await import('./text.ts')).normalizeText(decodeText(bytes));
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

function cleanBlock(block: Block): Block[] {
  const text = clean(block.text);
  const trimmed = block.kind === 'code' ? text.replace(/^(\s*\n)+/, '').trimEnd() : text.trim();
  if (trimmed === '') return [];
  return [{ ...block, text: trimmed, tableHeader: block.tableHeader && clean(block.tableHeader).trim() }];
}

/** A title fit to be shown: one line of at most 300 characters, or undefined. */
function cleanTitle(title: string | undefined): string | undefined {
  const line = clean(title ?? '')
    .replace(/\s+/g, ' ')
    .trim();
  return line === '' ? undefined : line.slice(0, 300).replace(LONE_SURROGATE, '');
}
