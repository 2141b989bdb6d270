import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { WrappedPdfiumModule } from '@embedpdf/pdfium';
import { init } from '@embedpdf/pdfium';
import { ContentError } from '../normalized.ts';
import { createTextBound } from './block-list.ts';
import type { Normalized } from './normalize.ts';
import { openPdfFile } from './pdf-file.ts';
import type { PdfLine, PdfPage } from './pdf-layout.ts';
import { pdfBlocks } from './pdf-layout.ts';

/** Error codes of FPDF_GetLastError. Source: https://pdfium.googlesource.com/pdfium/+/refs/heads/main/public/fpdfview.h */
const FPDF_ERR_PASSWORD = 4;
const FPDF_ERR_SECURITY = 5;
const WIDGET = 20;

let loading: Promise<WrappedPdfiumModule> | undefined;

/**
 * The text of a PDF, page by page: headings by size of type, paragraphs, words joined that were hyphenated at line ends, values of form fields.
 * Errors: ContentError `encrypted`, `corrupt`, `too_large`.
 */
export async function normalizePdf(file: { path: string; sizeBytes: number }): Promise<Normalized> {
  loading ??= load();
  const pdfium = await loading;
  try {
    const { pages, title } = readPdf(pdfium, file);
    const blocks = pdfBlocks(pages);
    const heading = blocks.find(({ kind, level, page }) => kind === 'heading' && level === 1 && (page ?? 1) <= 2);
    return { title: title ?? heading?.text, blocks };
  } catch (error) {
    if (error instanceof ContentError) throw error;
    // What trips WebAssembly leaves its memory in an unknown state: the next file gets a new one.
    loading = undefined;
    if (error instanceof Error && error.name === 'RuntimeError') throw corrupt(error);
    throw error;
  }
}

async function load(): Promise<WrappedPdfiumModule> {
  const wasm = await readFile(fileURLToPath(import.meta.resolve('@embedpdf/pdfium/pdfium.wasm')));
  const pdfium = await init({
    wasmBinary: wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength) as ArrayBuffer,
  } as Parameters<typeof init>[0]);
  pdfium.PDFiumExt_Init();
  return pdfium;
}

function readPdf(
  pdfium: WrappedPdfiumModule,
  { path, sizeBytes }: { path: string; sizeBytes: number },
): { pages: PdfPage[]; title?: string } {
  const heap = createHeap(pdfium);
  const scratch = heap.allocate(64);
  const file = openPdfFile(pdfium, heap, path, sizeBytes);
  const bound = createTextBound();
  try {
    if (file.document() === 0) throw refusal(pdfium.FPDF_GetLastError());
    const title = heap.utf16((buffer, size) => pdfium.FPDF_GetMetaText(file.document(), 'Title', buffer, size));
    const count = pdfium.FPDF_GetPageCount(file.document());
    const pages: PdfPage[] = [];
    let unreadable = 0;
    for (let index = 0; index < count; index++) {
      file.letGo();
      const page = readPage(pdfium, heap, file.document(), index, scratch);
      if (page) pages.push(page);
      else unreadable++;
      for (const { text } of page?.lines ?? []) bound(text);
    }
    if (pages.length === 0 || unreadable > count / 2) throw corrupt();
    return { pages, title: usefulTitle(title) };
  } finally {
    file.close();
    heap.free(scratch);
  }
}

function readPage(
  pdfium: WrappedPdfiumModule,
  heap: Heap,
  document: number,
  index: number,
  scratch: number,
): PdfPage | undefined {
  const page = pdfium.FPDF_LoadPage(document, index);
  if (page === 0) return undefined;
  const text = pdfium.FPDFText_LoadPage(page);
  try {
    const lines = text === 0 ? [] : readLines(pdfium, heap, text, scratch);
    return { number: index + 1, lines, fields: readFields(pdfium, heap, page) };
  } finally {
    if (text !== 0) pdfium.FPDFText_ClosePage(text);
    pdfium.FPDF_ClosePage(page);
  }
}

/** The lines PDFium finds, in its reading order, with the place of each. */
function readLines(pdfium: WrappedPdfiumModule, heap: Heap, page: number, scratch: number): PdfLine[] {
  const characters = pdfium.FPDFText_CountChars(page);
  if (characters <= 0) return [];
  const buffer = heap.allocate((characters + 1) * 2 * 2);
  const written = pdfium.FPDFText_GetText(page, 0, characters, buffer);
  const text = heap.text(buffer, Math.max(0, written - 1) * 2);
  heap.free(buffer);
  const lines: PdfLine[] = [];
  let at = 0;
  for (const line of text.split('\n')) {
    const first = at + (line.length - line.trimStart().length);
    const trimmed = line.trim();
    if (trimmed !== '') lines.push({ text: trimmed, ...boxOf(first, first + trimmed.length - 1) });
    at += line.length + 1;
  }
  return lines;

  /** Left, right, bottom and top of a run of characters by its ends, in points. */
  function boxOf(from: number, to: number): Omit<PdfLine, 'text'> {
    const start = looseBox(from);
    const end = looseBox(to);
    if (!start) return { left: 0, right: 0, bottom: 0, top: 0, endBottom: 0 };
    const { left, bottom, top } = start;
    return { left, right: end?.right ?? start.right, bottom, top, endBottom: end?.bottom ?? bottom };
  }
  function looseBox(textIndex: number) {
    const index = heap.calls.FPDFText_GetCharIndexFromTextIndex(page, textIndex);
    if (index < 0 || !heap.calls.FPDFText_GetLooseCharBox(page, index, scratch)) return undefined;
    const box = heap.floats(scratch);
    return { left: box[0]!, top: box[1]!, right: box[2]!, bottom: box[3]! };
  }
}

/** What people typed into form fields: it is kept apart from the page's text. */
function readFields(pdfium: WrappedPdfiumModule, heap: Heap, page: number): string[] {
  const values: string[] = [];
  const count = Math.min(2_000, pdfium.FPDFPage_GetAnnotCount(page));
  for (let index = 0; index < count; index++) {
    const annotation = heap.calls.FPDFPage_GetAnnot(page, index);
    if (annotation === 0) continue;
    if (heap.calls.FPDFAnnot_GetSubtype(annotation) === WIDGET) {
      const value = heap.utf16((buffer, size) => pdfium.FPDFAnnot_GetStringValue(annotation, 'V', buffer, size)).trim();
      // Ticked boxes have the name of their look as value.
      if (value !== '' && !/^(off|yes|on|\d)$/i.test(value)) values.push(value);
    }
    heap.calls.FPDFPage_CloseAnnot(annotation);
  }
  return values;
}

export type Heap = ReturnType<typeof createHeap>;
/** What is called for every line and annotation goes past the library's wrappers, which take thirty times as long as the calls. */
type DirectCalls = Pick<
  WrappedPdfiumModule,
  'FPDFText_GetCharIndexFromTextIndex' | 'FPDFPage_GetAnnot' | 'FPDFAnnot_GetSubtype' | 'FPDFPage_CloseAnnot'
> & {
  FPDFText_GetLooseCharBox(page: number, index: number, box: number): number;
};

/** WebAssembly memory: views are taken anew each time, since growing it invalidates them. */
function createHeap(pdfium: WrappedPdfiumModule) {
  const exports = pdfium.pdfium.wasmExports as typeof pdfium.pdfium.wasmExports &
    DirectCalls & { memory: { buffer: ArrayBuffer } };
  const bytes = () => new Uint8Array(exports.memory.buffer);
  const allocate = (size: number): number => {
    const pointer = exports.malloc(size);
    if (pointer === 0)
      throw new ContentError('too_large', 'The PDF is too big to be opened; split it and import the parts.');
    return pointer;
  };
  const text = (pointer: number, size: number): string =>
    Buffer.from(exports.memory.buffer, pointer, size).toString('utf16le');
  return {
    text,
    calls: exports as DirectCalls,
    bytes,
    floats: (pointer: number) => new Float32Array(exports.memory.buffer, pointer, 4),
    allocate,
    free: (pointer: number) => exports.free(pointer),
    /** A string from a call that is asked first for its size in bytes, then for its content. */
    utf16(call: (buffer: number, size: number) => number): string {
      const size = call(0, 0);
      if (size <= 2 || size > 1_000_000) return '';
      const buffer = allocate(size);
      call(buffer, size);
      const read = text(buffer, size - 2);
      exports.free(buffer);
      return read;
    },
  };
}

function refusal(code: number): ContentError {
  if (code !== FPDF_ERR_PASSWORD && code !== FPDF_ERR_SECURITY) return corrupt();
  return new ContentError('encrypted', 'The PDF is protected by a password; save it without one and import it again.');
}

const corrupt = (cause?: unknown): ContentError =>
  new ContentError('corrupt', 'The PDF is damaged and cannot be opened; export or save it again and import that.', {
    cause,
  });

/** Names that programs give by themselves are no titles. */
const usefulTitle = (title: string): string | undefined =>
  title.trim() === '' ||
  /^(untitled|\(?anonymous\)?$|microsoft (word|powerpoint|excel) - |.*\.(docx?|pptx?|xlsx?|indd|tex|dvi)$)/i.test(
    title.trim(),
  )
    ? undefined
    : title.trim();
