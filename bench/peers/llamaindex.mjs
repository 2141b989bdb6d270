// LlamaIndexTS as its guides use it: reader by extension, ingestion pipeline with its sentence splitter at the defaults.
import { DocxReader } from '@llamaindex/readers/docx';
import { HTMLReader } from '@llamaindex/readers/html';
import { MarkdownReader } from '@llamaindex/readers/markdown';
import { PDFReader } from '@llamaindex/readers/pdf';
import { BaseEmbedding, IngestionPipeline, SentenceSplitter } from 'llamaindex';
import { createLexicalEmbedder } from '../../dist/server/pipeline/embed/lexical.js';
import { contend, work } from '../contenders/contender.ts';

const embedder = createLexicalEmbedder();
const signal = new AbortController().signal;

class LexicalEmbedding extends BaseEmbedding {
  embedBatchSize = 64;
  getTextEmbeddings = async (texts) => {
    const vectors = await embedder.embed(texts, { signal, purpose: 'document' });
    return vectors.map((vector) => Array.from(vector));
  };
  async getTextEmbedding(text) {
    return (await this.getTextEmbeddings([text]))[0];
  }
}

const readers = {
  '.pdf': new PDFReader(),
  '.docx': new DocxReader(),
  '.html': new HTMLReader(),
  '.md': new MarkdownReader(),
};

await contend(work(), async (files) => {
  const pipeline = new IngestionPipeline({ transformations: [new SentenceSplitter(), new LexicalEmbedding()] });
  const outcome = { documents: 0, chunks: 0, failed: 0 };
  for (const { file, extension } of files)
    try {
      const documents = await readers[extension].loadData(file);
      outcome.chunks += (await pipeline.run({ documents })).length;
      outcome.documents += 1;
    } catch {
      outcome.failed += 1;
    }
  return outcome;
});
