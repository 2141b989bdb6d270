import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { realDocuments } from '../test/helpers/real-documents.ts';

/** A document that contenders read. `sizeBytes` is the file's. */
export type BenchFile = { file: string; extension: string; mediaType: string; sizeBytes: number };

const MEDIA_TYPES: Record<string, string> = {
  '.pdf': 'application/pdf',
  '.docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  '.html': 'text/html',
  '.md': 'text/markdown',
};

/** The folder of documents: what BENCH_FILES names, else the reference material beside the project. Errors: Error where there is neither. */
export function benchFolder(): string {
  const folder = process.env.BENCH_FILES ?? realDocuments()?.folder;
  if (!folder) throw new Error('There are no documents to measure with: set BENCH_FILES to a folder of them.');
  return folder;
}

/**
 * The documents to measure with, in these formats: of the folder that BENCH_FILES names, else of the reference material beside the
 * project (only those that have a text). Errors: those of `benchFolder`.
 */
export function benchFiles(extensions = Object.keys(MEDIA_TYPES)): BenchFile[] {
  const folder = benchFolder();
  const unreadable = new Set(
    process.env.BENCH_FILES ? [] : realDocuments()?.files.flatMap((one) => (one.expect === 'text' ? [] : [one.file])),
  );
  return readdirSync(folder)
    .filter((name) => !unreadable.has(name))
    .flatMap((name) => {
      const file = path.join(folder, name);
      const extension = path.extname(name).toLowerCase();
      const mediaType = extensions.includes(extension) ? MEDIA_TYPES[extension] : undefined;
      return mediaType ? [{ file, extension, mediaType, sizeBytes: statSync(file).size }] : [];
    });
}

/** Text of the Markdown among the documents, as often as it takes, in pieces of 8,000 characters. */
export function benchTexts(pieces: number): string[] {
  const whole = benchFiles(['.md'])
    .map(({ file }) => readFileSync(file, 'utf8'))
    .join('\n\n');
  if (whole === '') throw new Error('There is no Markdown among the documents to measure with.');
  const size = 8_000;
  return Array.from({ length: pieces }, (_, at) => {
    const from = (at * size) % Math.max(1, whole.length - size);
    return `Piece ${at}. ${whole.slice(from, from + size)}`;
  });
}
