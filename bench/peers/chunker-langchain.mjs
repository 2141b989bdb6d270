// LangChain.js' token splitter, with chunks and overlap as large as ours. It fetches its vocabulary; here that comes from a package.
import o200k from 'js-tiktoken/ranks/o200k_base';
import { TokenTextSplitter } from '@langchain/textsplitters';
import { contend, work } from '../contenders/contender.ts';

globalThis.fetch = async () => Response.json(o200k);
const splitter = new TokenTextSplitter({ encodingName: 'o200k_base', chunkSize: 400, chunkOverlap: 60 });

await contend(work(), async (texts) => {
  const outcome = { documents: texts.length, chunks: 0, failed: 0 };
  for (const text of texts) outcome.chunks += (await splitter.splitText(text)).length;
  return outcome;
});
