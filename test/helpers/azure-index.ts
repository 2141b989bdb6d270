import { Writable } from 'node:stream';
import { expect } from 'chai';
import { parseConfig } from '../../server/config.ts';
import type { Database } from '../../server/database/database.ts';
import { createEgress, hostsOf } from '../../server/egress/egress.ts';
import type { IndexKeeper } from '../../server/index/azure-keeper.ts';
import { createIndex } from '../../server/index/configured.ts';
import type { SearchIndex } from '../../server/index/index.ts';
import { createLogger } from '../../server/logger.ts';
import type { Embedder } from '../../server/pipeline/embed/embedder.ts';
import { createLexicalEmbedder } from '../../server/pipeline/embed/lexical.ts';
import { faultsOf } from '../index/azure-contract.ts';
import type { AzureSearchServer } from './azure-search-server.ts';

export type AzureIndex = {
  index: SearchIndex;
  keeper: IndexKeeper;
  logs(): string;
  /** Does all that is to be done in the background. */
  settled(): Promise<void>;
  close(): Promise<void>;
};

/** The index at the stand-in, as a hub would use it. Its background work runs when the test says so. */
export function openAzureIndex(
  database: Database,
  server: AzureSearchServer,
  options: { embedderId: string; dimensions?: number; ranker?: boolean },
): AzureIndex {
  const config = parseConfig({ ...server.env, AZURE_SEARCH_SEMANTIC_RANKER: options.ranker ? '1' : undefined });
  const egress = createEgress({ allowedHosts: hostsOf(config, []), vendorHosts: [] });
  const lines: string[] = [];
  const write = (line: Buffer, _encoding: unknown, done: () => void) => {
    lines.push(line.toString());
    done();
  };
  const embedder: Embedder = {
    ...createLexicalEmbedder(),
    id: options.embedderId,
    dimensions: options.dimensions ?? 1024,
  };
  const { index, keeper } = createIndex(config, {
    database,
    embedder,
    fetch: egress.fetch,
    logger: createLogger({ logLevel: 'debug' }, new Writable({ write })),
    firstBackoffMs: 5,
  });
  if (!keeper) throw new Error('the index is not at Azure');
  const { signal } = new AbortController();
  return {
    index,
    keeper,
    logs: () => lines.join(''),
    async settled() {
      while ((await keeper.settle(signal)) + (await keeper.fill(signal)) > 0);
    },
    close: () => egress.close(),
  };
}

/** Every request and answer was as Microsoft describes them, and the key stands in no line of the log. */
export async function expectProper(server: AzureSearchServer, azure: AzureIndex): Promise<void> {
  expect((await faultsOf(server.calls.splice(0))) ?? []).to.deep.equal([]);
  expect(azure.logs()).not.to.include(server.key);
}
