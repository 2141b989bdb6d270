/**
 * The one intermediate form of every format: blocks in reading order. Chunking, the text shown to people and search all
 * start from here; nothing after the normalizers knows a file format.
 */
export type Block = {
  kind: 'heading' | 'paragraph' | 'list-item' | 'table-row' | 'code' | 'caption';
  text: string;
  /** Headings: 1 (title) to 6. */
  level?: number;
  /** Table rows: the header row's cells joined like the text, repeated when a table is split. */
  tableHeader?: string;
  /** Starts at 1: page of a PDF, slide of a presentation. */
  page?: number;
  /** Where in the source: "Sheet1!A1:C20", "Slide 3". */
  anchor?: string;
};

export type NormalizedDocument = {
  format: Format;
  title?: string;
  blocks: Block[];
};

export const FORMATS = [
  ...(['txt', 'md', 'html', 'confluence', 'csv', 'json', 'pdf', 'docx', 'xlsx', 'pptx'] as const),
  ...(['odt', 'ods', 'odp', 'rtf', 'eml'] as const),
] as const;
export type Format = (typeof FORMATS)[number];

/** Why a file gave no document. `skipped` codes are properties of the file; `failed` ones deserve another look. */
export type ContentProblemCode =
  | 'unsupported' // skipped
  | 'encrypted' // skipped
  | 'no_text' // skipped: scanned pages, empty file
  | 'too_large' // skipped: over MAX_FILE_BYTES, or unpacks beyond the bounds
  | 'corrupt' // failed
  | 'incomplete' // tried again, then failed: other bytes arrived than the vendor announced
  | 'timeout' // failed
  | 'parser_crash'; // failed

/** Thrown by the pipeline for one file; `message` is the ledger's sentence. */
export class ContentError extends Error {
  readonly code: ContentProblemCode;

  constructor(code: ContentProblemCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ContentError';
    this.code = code;
  }
}
