import { expect } from 'chai';
import { createPostgresIndex } from '../../server/index/postgres.ts';
import { expectProper, openAzureIndex } from '../helpers/azure-index.ts';
import { startAzureSearchServer } from '../helpers/azure-search-server.ts';
import { describeIndex } from './contract.ts';
import { EMBEDDER } from './passages.ts';

describeIndex('the search index in Postgres', async (database) => ({ index: createPostgresIndex(database) }));

describeIndex('the search index at Azure AI Search', async (database) => {
  const server = await startAzureSearchServer();
  const azure = openAzureIndex(database, server, { embedderId: EMBEDDER });
  await azure.keeper.open();
  return {
    index: azure.index,
    async calm() {
      // The database would answer in its place.
      expect(azure.logs()).not.to.match(/"level":40|still to be uploaded/);
      await expectProper(server, azure);
      await azure.settled();
    },
    async close() {
      await azure.close();
      await server.close();
    },
  };
});
