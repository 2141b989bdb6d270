import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { init } from '@embedpdf/pdfium';
import { strFromU8, unzipSync } from 'fflate';
import { SaxesParser } from 'saxes';

const PASSWORD_ERROR = 4;

/** Text of one XML part; `breakAt` names the elements after which a new line begins. Errors: saxes' own where it is not well-formed. */
const textOf = (xml: string, breakAt: string[]): string => {
  const parser = new SaxesParser({ xmlns: true });
  let text = '';
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('text', (piece) => (text += piece));
  parser.on('closetag', ({ name }) => (text += breakAt.includes(name) ? '\n' : ''));
  parser.write(xml).close();
  return text;
};

/** The parts of an Office file by path, each read by a strict XML parser. */
export const officeParts = (bytes: Buffer): Map<string, string> =>
  new Map(
    Object.entries(unzipSync(bytes)).map(([path, part]) => [
      path,
      textOf(strFromU8(part), ['w:p', 'a:p', 'si', 'row']),
    ]),
  );

/** All words of an Office file, a line for each paragraph. */
export const officeText = (bytes: Buffer): string => [...officeParts(bytes).values()].join('\n');

/** Text of a PDF as PDFium reads it, line ends turned into spaces; undefined when it asks for a password. Errors: Error for a broken file. */
export const pdfText = async (bytes: Buffer): Promise<string | undefined> => {
  const wasm = await readFile(createRequire(import.meta.url).resolve('@embedpdf/pdfium/pdfium.wasm'));
  const pdfium = await init({ wasmBinary: new Uint8Array(wasm).buffer });
  pdfium.PDFiumExt_Init();
  const { wasmExports, HEAPU8, UTF16ToString } = pdfium.pdfium as unknown as {
    wasmExports: { malloc(size: number): number };
    HEAPU8: Uint8Array;
    UTF16ToString: (this: void, at: number) => string;
  };
  const at = wasmExports.malloc(bytes.length);
  HEAPU8.set(bytes, at);
  const document = pdfium.FPDF_LoadMemDocument(at, bytes.length, '');
  if (!document) {
    const error = pdfium.FPDF_GetLastError();
    if (error === PASSWORD_ERROR) return undefined;
    throw new Error(`PDFium does not open the file: error ${error}.`);
  }
  const pages = Array.from({ length: pdfium.FPDF_GetPageCount(document) }, (_, number) => {
    const text = pdfium.FPDFText_LoadPage(pdfium.FPDF_LoadPage(document, number));
    const count = pdfium.FPDFText_CountChars(text);
    const buffer = wasmExports.malloc((count + 1) * 2);
    pdfium.FPDFText_GetText(text, 0, count, buffer);
    return UTF16ToString(buffer);
  });
  return pages.join('\n').replaceAll(/\s+/g, ' ');
};
