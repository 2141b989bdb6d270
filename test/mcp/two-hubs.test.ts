import { expect } from 'chai';
import { parseConfig, type Env } from '../../server/config.ts';
import { openPostgres } from '../../server/database/open.ts';
import { startHub as start, type Hub } from '../../server/hub.ts';
import * as schemas from '../../server/mcp/schemas.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { freshDatabaseEnv } from '../helpers/database.ts';
import { seedDocuments } from '../helpers/documents.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { keepLogs } from '../helpers/kept-logs.ts';
import { called, connectMcp } from './client.ts';

/** Needs a server that two processes can share. */
const onPostgres = process.env.TEST_DATABASE_URL ? describe : () => undefined;

onPostgres('two hubs on one database', function () {
  this.timeout(120_000);
  let first: TestHub;
  let second: Hub;
  let database: Awaited<ReturnType<typeof freshDatabaseEnv>>;
  before(async () => {
    database = await freshDatabaseEnv('postgres');
    const { DATABASE_URL = '', DATA_DIR } = database.env;
    const env: Env = { INTEGRATION_ENCRYPTION_KEY: generateFernetKey(), SESSION_SECRET: 'a secret of both processes' };
    first = await startHub({ env, database: openPostgres(DATABASE_URL) });
    const config = parseConfig({ ...env, NODE_ENV: 'test', PORT: '0', DATA_DIR, DATABASE_URL, ROLE: 'web' });
    second = await start(config, { logger: keepLogs('info').logger });
  });
  after(async () => {
    await second.close();
    await first.close();
    await database.remove();
  });

  it('answer the requests of one MCP client turn by turn', async () => {
    const titles = Array.from({ length: 70 }, (_, at) => `Minutes ${at}`);
    const ids = await seedDocuments(
      first.context.database.knex,
      first.admin.id,
      titles.map((title) => ({ title })),
    );
    const counts = new Map<string, number>();
    const turns = [first.url, second.url ?? ''];
    const byTurns: typeof fetch = (input, init) => {
      const [next = ''] = turns;
      turns.reverse();
      counts.set(next, (counts.get(next) ?? 0) + 1);
      return fetch(new URL(new URL(input instanceof Request ? input.url : input).pathname, next), init);
    };
    const client = await connectMcp(first.url, await first.token(first.admin), byTurns);
    try {
      expect((await client.listTools()).tools).to.have.length(5);
      const seen: string[] = [];
      for (let cursor: string | undefined, begun = false; !begun || cursor !== undefined; begun = true) {
        const page = await called(client, 'list_documents', { cursor }, schemas.listOutput);
        seen.push(...page.documents.map(({ title }) => title));
        cursor = page.nextCursor;
      }
      expect(seen).to.have.members(titles);
      for (const id of ids.slice(0, 4)) {
        const read = await called(client, 'fetch', { id }, schemas.fetchOutput);
        expect(read.text).to.include('The ferry stays in the harbour.');
      }
      for (const url of [first.url, second.url ?? '']) expect(counts.get(url), url).to.be.greaterThan(3);
    } finally {
      await client.close();
    }
  });
});
