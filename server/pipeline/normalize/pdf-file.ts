import { closeSync, openSync, readSync } from 'node:fs';
import type { WrappedPdfiumModule } from '@embedpdf/pdfium';
import type { Heap } from './pdf.ts';

/** PDFium keeps what it has read of a document, pictures too: after so much it begins anew. */
const READ_AT_MOST = 32 * 1_048_576;

/** PDFium asks for 512 bytes at a time, most often those beside the last ones; a file of up to so many is read at once. */
const WINDOW = 65_536;
const READ_WHOLE = 4 * 1_048_576;

/** A PDF that PDFium reads where it lies, part by part, so that memory does not grow with the file. */
export type PdfFile = {
  /** The document; another one after `letGo`. 0 where it cannot be opened: `FPDF_GetLastError` tells why. */
  document(): number;
  /** Between two pages: lets go of what was read, if that is much. */
  letGo(): void;
  close(): void;
};

/** Emscripten's. The package names the types of Emscripten's declarations, which it does not bring. */
type FunctionTable = {
  addFunction(called: (...values: number[]) => number, signature: string): number;
  removeFunction(pointer: number): void;
};

/** Opens a PDF of `sizeBytes`. Source: FPDF_LoadCustomDocument in fpdfview.h */
export function openPdfFile(pdfium: WrappedPdfiumModule, heap: Heap, path: string, sizeBytes: number): PdfFile {
  const file = openSync(path, 'r');
  const windowBytes = sizeBytes <= READ_WHOLE ? sizeBytes : WINDOW;
  const window = Buffer.allocUnsafe(windowBytes);
  let windowAt = -1;
  let windowSize = 0;
  let bytesRead = 0;
  const readBlock = (_param = 0, position = 0, buffer = 0, size = 0): number => {
    bytesRead += size;
    const at = position - (position % windowBytes);
    if (position + size > at + windowBytes)
      return readSync(file, heap.bytes(), buffer, size, position) === size ? 1 : 0;
    if (at !== windowAt) {
      windowSize = readSync(file, window, 0, windowBytes, at);
      windowAt = at;
    }
    const from = position - at;
    if (from + size > windowSize) return 0;
    heap.bytes().set(window.subarray(from, from + size), buffer);
    return 1;
  };
  const functions = pdfium.pdfium as unknown as FunctionTable;
  const callback = functions.addFunction(readBlock, 'iiiii');
  // FPDF_FILEACCESS: length, function, parameter.
  const access = heap.allocate(12);
  new DataView(heap.bytes().buffer).setUint32(access, sizeBytes, true);
  new DataView(heap.bytes().buffer).setUint32(access + 4, callback, true);
  new DataView(heap.bytes().buffer).setUint32(access + 8, 0, true);
  const open = (): number => {
    bytesRead = 0;
    return pdfium.FPDF_LoadCustomDocument(access, '');
  };
  let document = open();
  const letGo = (): void => {
    if (bytesRead <= READ_AT_MOST) return;
    pdfium.FPDF_CloseDocument(document);
    document = open();
  };
  return {
    document: () => document,
    letGo,
    close() {
      if (document !== 0) pdfium.FPDF_CloseDocument(document);
      heap.free(access);
      functions.removeFunction(callback);
      closeSync(file);
    },
  };
}
