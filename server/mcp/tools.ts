import type { ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { toAnswer, toDocument, toImportItem, toImportSummary, toSearch } from '../api/answers.ts';
import { importSentence } from '../api/import-wait.ts';
import { checked, withoutNulls } from '../api/input.ts';
import type { Context } from '../context.ts';
import { paths } from '../paths.ts';
import type { User } from '../services/user-service.ts';
import * as schemas from './schemas.ts';
import { partOf } from './text-part.ts';

/** Who calls a tool, and until when they wait. */
export type Caller = { user: User; signal: AbortSignal };

/** A tool as models see it. `run` checks its arguments. Errors: InvalidInputError, AppError. */
export type Tool = {
  name: string;
  title: string;
  description: string;
  inputSchema: JsonObject;
  outputSchema: JsonObject;
  annotations: ToolAnnotations;
  run: (context: Context, caller: Caller, args: unknown) => Promise<Record<string, unknown>>;
};
type JsonObject = { type: 'object'; [member: string]: unknown };

/** All tools only read. */
const READS: ToolAnnotations = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};
/** Failed items that are told. */
const FAILED = 20;

function tool<I extends z.ZodObject, O extends z.ZodObject>(described: {
  name: string;
  title: string;
  description: string;
  input: I;
  output: O;
  run: (context: Context, caller: Caller, input: z.output<I>) => Promise<z.output<O>>;
}): Tool {
  const { name, title, description, input, output, run } = described;
  return {
    name,
    title,
    description,
    inputSchema: jsonSchemaOf(input, 'input'),
    outputSchema: jsonSchemaOf(output, 'output'),
    annotations: READS,
    run: async (context, caller, args) => run(context, caller, checked(input, args ?? {})),
  };
}

function jsonSchemaOf(schema: z.ZodObject, io: 'input' | 'output'): JsonObject {
  const { $schema: _, ...found } = z.toJSONSchema(schema, { io });
  return { ...found, type: 'object' };
}

/** Where a document is opened. */
const addressOf = ({ config }: Context, id: string, url: string | null): string =>
  url ?? config.baseUrl + paths.document(id);

const search = tool({
  name: 'search',
  title: 'Search documents',
  description:
    'Finds passages in the documents that the user imported from Google Drive, Microsoft 365, Dropbox, Confluence and Jira. Use it first for whatever the ' +
    'user’s own files, pages or issues may say. Results are documents, best first, each with the passages that fit; read more of one with `fetch`. ' +
    'Names, numbers and identifiers are found letter by letter, other words also by likeness.',
  input: schemas.searchInput,
  output: schemas.searchOutput,
  async run(context, { user }, input) {
    let notice: string | undefined;
    const found = await context.search.search(user, {
      ...withoutNulls(input),
      onWordsOnly: (sentence) => (notice = sentence),
    });
    const documents = new Map<string, z.output<typeof schemas.searchOutput>['results'][number]>();
    for (const { documentId: id, title, url, sourceType, path, ...passage } of toSearch(found).results) {
      const { text, headingPath: headings, page, confidence } = passage;
      const known = documents.get(id);
      const one = { text, headings, page, confidence };
      if (known) known.passages.push(one);
      else {
        const address = addressOf(context, id, url);
        documents.set(id, { id, title, url: address, platform: sourceType, path, text, passages: [one] });
      }
    }
    return { contents: 'documents' as const, results: [...documents.values()], notice };
  },
});

const fetchDocument = tool({
  name: 'fetch',
  title: 'Read a document',
  description:
    'Gives the text of one document by its id, with where it comes from. Use it after `search` or `list_documents`, when a passage is not enough. Long texts come in ' +
    'parts: while `metadata.nextOffset` is a number, call again with it as `offset`.',
  input: schemas.fetchInput,
  output: schemas.fetchOutput,
  async run(context, { user }, { id, offset, limit }) {
    const found = await context.documents.get(user, id);
    const {
      title,
      url,
      source_type: platform,
      path,
      category,
      mimeType,
      modifiedAt,
      importedAt,
      details,
    } = toDocument(found);
    const { text, characters, nextOffset } = partOf(found.text, offset, limit);
    const whole = offset === 0 && nextOffset === undefined;
    const rest =
      nextOffset === undefined ? 'It is the last one.' : `Call fetch with offset ${nextOffset} for the next one.`;
    return {
      contents: 'documents' as const,
      id,
      title,
      text,
      url: addressOf(context, id, url),
      metadata: {
        platform,
        path,
        category,
        mimeType,
        modifiedAt,
        importedAt,
        details,
        characters,
        offset,
        nextOffset: nextOffset ?? null,
      },
      notice: whole
        ? undefined
        : `This part has the characters ${offset} to ${offset + text.length} of ${characters}. ${rest}`,
    };
  },
});

const ask = tool({
  name: 'ask',
  title: 'Ask the documents',
  description:
    'Answers a question from the user’s imported documents alone, with a quote and a link for each sentence. Use it for one question whose answer stands in the documents; ' +
    'for reading or comparing use `search` and `fetch`. `supported` says whether passages bear the answer out; `unsupported` lists sentences that none does.',
  input: schemas.askInput,
  output: schemas.askOutput,
  async run(context, { user, signal }, input) {
    const {
      problem,
      citations,
      lookedAt: _,
      ...answer
    } = toAnswer(await context.ask.ask(user, withoutNulls(input), { signal }));
    return {
      contents: 'documents' as const,
      ...answer,
      problem: problem?.detail,
      citations: citations.map(
        ({ documentId: id, number, title, url, sourceType, path, headingPath, page, ...rest }) => ({
          number,
          id,
          title,
          url: addressOf(context, id, url),
          platform: sourceType,
          path,
          headings: headingPath,
          page,
          quote: rest.quote,
          confidence: rest.confidence,
        }),
      ),
    };
  },
});

const listDocuments = tool({
  name: 'list_documents',
  title: 'List documents',
  description:
    'Lists the user’s imported documents, the newest first, 50 a page, by service, category or words in title and path. Use it to see what there is; what documents say ' +
    'is found with `search`.',
  input: schemas.listInput,
  output: schemas.listOutput,
  async run(context, { user }, input) {
    const { documents, nextCursor } = await context.documents.list(user, input);
    return {
      documents: documents.map(toDocument).map((one) => ({
        id: one.id,
        title: one.title,
        url: addressOf(context, one.id, one.url),
        platform: one.source_type,
        path: one.path,
        category: one.category,
        mimeType: one.mimeType,
        sizeBytes: one.sizeBytes,
        modifiedAt: one.modifiedAt,
        importedAt: one.importedAt,
      })),
      nextCursor,
    };
  },
});

const importStatus = tool({
  name: 'import_status',
  title: 'See how an import stands',
  description:
    'Says how an import or a sync stands: the latest one, or the one that is named. Use it when documents seem to be missing or old, or when the user asks how an import goes.',
  input: schemas.statusInput,
  output: schemas.statusOutput,
  async run({ imports, config }, { user }, { importId }) {
    const id = importId ?? (await imports.list(user, { limit: 1 })).imports[0]?.id;
    if (id === undefined) return { message: 'Nothing was imported yet.', failed: [] };
    const found = await imports.get(user, id, { state: 'failed' });
    return {
      message: importSentence(found),
      url: config.baseUrl + paths.import(id),
      import: toImportSummary(found),
      failed: found.items
        .slice(0, FAILED)
        .map(toImportItem)
        .map(({ name, path, reason }) => ({ name, path, reason })),
    };
  },
});

export const TOOLS: Tool[] = [search, fetchDocument, ask, listDocuments, importStatus];
