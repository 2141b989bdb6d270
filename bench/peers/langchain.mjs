// LangChain.js as its guides use it: loader by extension, recursive splitter at its defaults, vectors in memory.
import { readFile } from 'node:fs/promises';
import { MemoryVectorStore } from '@langchain/classic/vectorstores/memory';
import { DocxLoader } from '@langchain/community/document_loaders/fs/docx';
import { PDFLoader } from '@langchain/community/document_loaders/fs/pdf';
import { HtmlToTextTransformer } from '@langchain/community/document_transformers/html_to_text';
import { Document } from '@langchain/core/documents';
import { Embeddings } from '@langchain/core/embeddings';
import { MarkdownTextSplitter, RecursiveCharacterTextSplitter } from '@langchain/textsplitters';
import { createLexicalEmbedder } from '../../dist/server/pipeline/embed/lexical.js';
import { contend, work } from '../contenders/contender.ts';

const embedder = createLexicalEmbedder();
const signal = new AbortController().signal;

class LexicalEmbeddings extends Embeddings {
  async embedDocuments(texts) {
    const vectors = await embedder.embed(texts, { signal, purpose: 'document' });
    return vectors.map((vector) => Array.from(vector));
  }
  async embedQuery(text) {
    return (await this.embedDocuments([text]))[0];
  }
}

const recursive = new RecursiveCharacterTextSplitter({ chunkSize: 1000, chunkOverlap: 200 });
const markdown = new MarkdownTextSplitter({ chunkSize: 1000, chunkOverlap: 200 });
const html = new HtmlToTextTransformer();
const textOf = async (file) => [
  new Document({ pageContent: await readFile(file, 'utf8'), metadata: { source: file } }),
];

const load = {
  '.pdf': (file) => new PDFLoader(file).load(),
  '.docx': (file) => new DocxLoader(file).load(),
  '.html': async (file) => html.invoke(await textOf(file)),
  '.md': textOf,
};

await contend(work(), async (files) => {
  const store = new MemoryVectorStore(new LexicalEmbeddings({}));
  const outcome = { documents: 0, chunks: 0, failed: 0 };
  for (const { file, extension } of files)
    try {
      const pages = await load[extension](file);
      const chunks = await (extension === '.md' ? markdown : recursive).splitDocuments(pages);
      await store.addDocuments(chunks);
      outcome.documents += 1;
      outcome.chunks += chunks.length;
    } catch {
      outcome.failed += 1;
    }
  return outcome;
});
