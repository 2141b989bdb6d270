import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { strToU8, zipSync } from 'fflate';
import { ContentError } from '../../server/pipeline/normalized.ts';
import type { Pipeline, PipelineOptions, PreparedDocument } from '../../server/pipeline/pipeline.ts';
import { createPipeline } from '../../server/pipeline/pipeline.ts';

export type TestPipeline = Pipeline & {
  read(name: string, content: Buffer | string, mediaType?: string): Promise<PreparedDocument>;
  /** The error that reading ends with, as `code: message`. */
  refusal(name: string, content: Buffer | string, mediaType?: string): Promise<string>;
  /** Names of what lies in the temporary folder of this pipeline. */
  leftovers(): string[];
};

/** A pipeline with a temporary folder of its own, which `close` removes. */
export async function openTestPipeline(options: Partial<PipelineOptions> = {}): Promise<TestPipeline> {
  const previous = process.env.TMPDIR;
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-pipeline-test-'));
  process.env.TMPDIR = folder;
  const pipeline = createPipeline({ maxFileBytes: 64 * 1_048_576, workers: 1, ...options });
  const read: TestPipeline['read'] = (name, content, mediaType = 'application/octet-stream') =>
    pipeline.prepare(
      { stream: Readable.from([Buffer.from(content)]), name, mediaType },
      { title: name, signal: new AbortController().signal },
    );
  return {
    prepare: (file, settings) => pipeline.prepare(file, settings),
    read,
    async refusal(name, content, mediaType) {
      const outcome = await read(name, content, mediaType).catch((error: unknown) => error);
      if (outcome instanceof ContentError) return `${outcome.code}: ${outcome.message}`;
      throw new Error(`${name} was read, or failed otherwise`, { cause: outcome });
    },
    leftovers: () => readdirSync(folder).filter((name) => name.startsWith('tributary-file-')),
    async close() {
      await pipeline.close();
      if (previous === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = previous;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A zip package of the given parts. */
export const zipOf = (parts: Record<string, string>): Buffer =>
  Buffer.from(zipSync(Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, strToU8(text)]))));

const RELATIONS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

/** A relationships part: id, type (its last segment) and target of each. */
export const relationsPart = (relations: [id: string, type: string, target: string][]): string =>
  `<Relationships>${relations
    .map(([id, type, target]) => `<Relationship Id="${id}" Type="${RELATIONS}/${type}" Target="${target}"/>`)
    .join('')}</Relationships>`;

const WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"';

/** A Word package with the given body and further parts below `word/`, each named after its relationship's type. */
export const wordPackage = (body: string, parts: Record<string, string> = {}): Buffer =>
  zipOf({
    '[Content_Types].xml': '<Types/>',
    '_rels/.rels': relationsPart([['r1', 'officeDocument', 'word/document.xml']]),
    'word/document.xml': `<w:document ${WORD}><w:body>${body}</w:body></w:document>`,
    'word/_rels/document.xml.rels': relationsPart(
      Object.keys(parts).map((name, at) => [`r${at}`, name, `${name}.xml`]),
    ),
    ...Object.fromEntries(Object.entries(parts).map(([name, xml]) => [`word/${name}.xml`, xml])),
  });

/** An OpenDocument package with the given body, and styles before it. */
export const odfPackage = (
  kind: 'text' | 'spreadsheet' | 'presentation',
  body: string,
  parts: { styles?: string } & Record<string, string> = {},
): Buffer => {
  const { styles = '', ...others } = parts;
  return zipOf({
    mimetype: `application/vnd.oasis.opendocument.${kind}`,
    'content.xml': `<office:document-content><office:automatic-styles>${styles}</office:automatic-styles><office:body><office:${kind}>${body}</office:${kind}></office:body></office:document-content>`,
    ...others,
  });
};
