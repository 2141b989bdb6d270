import { expect } from 'chai';
import { parse } from 'node:querystring';
import { Writable } from 'node:stream';
import { parseConfig, type Env } from '../../server/config.ts';
import { openPostgres } from '../../server/database/open.ts';
import { startHub as start, type Hub } from '../../server/hub.ts';
import { createLogger } from '../../server/logger.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { consent } from '../helpers/connect.ts';
import { freshDatabaseEnv } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { waitFor } from '../helpers/wait.ts';

const FILES = 150;
/** Needs a server that two workers can share. */
const onPostgres = process.env.TEST_DATABASE_URL ? describe : () => undefined;

onPostgres('two workers with one Atlassian grant that rotates', function () {
  this.timeout(120_000);
  let hub: TestHub;
  let worker: Hub;
  let database: Awaited<ReturnType<typeof freshDatabaseEnv>>;
  before(async () => {
    database = await freshDatabaseEnv('postgres');
    const { DATABASE_URL = '', DATA_DIR } = database.env;
    const env: Env = { INTEGRATION_ENCRYPTION_KEY: generateFernetKey(), SESSION_SECRET: 'a secret of both processes' };
    hub = await startHub({ env, database: openPostgres(DATABASE_URL) });
    const config = parseConfig({
      ...env,
      ...hub.sandbox.env,
      NODE_ENV: 'test',
      DATA_DIR,
      DATABASE_URL,
      ROLE: 'worker',
    });
    const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
    worker = await start(config, { logger: createLogger(config, silent) });
  });
  after(async () => {
    await worker.close();
    await hub.close();
    await database.remove();
  });

  it('refresh it once when it ends in the middle of an import, and nothing fails', async () => {
    const { atlassian } = hub.sandbox;
    const wiki = atlassian.state.sites.find(({ confluence }) => confluence)?.confluence;
    const space = wiki?.addSpace({ key: 'MANY', name: 'Many files' });
    if (!wiki || !space) throw new Error('the stand-in has no Confluence');
    const container = wiki.add({ space, title: 'Logs' });
    for (let at = 0; at < FILES; at++)
      wiki.attach({ container, title: `log ${at}.txt`, mediaType: 'text/plain', content: `The log number ${at}.` });

    const sessionId = 'a session';
    const { url } = await hub.context.grants.start(hub.admin, 'confluence', { sessionId });
    const back = await consent(url, 'Allow');
    const query = parse(back.search.slice(1)) as { state?: string; code?: string };
    const { id: integrationId } = await hub.context.grants.finish(hub.admin, 'confluence', { sessionId, query });
    const ref = await refOfSpace(integrationId);
    const { requests } = atlassian.state;
    requests.length = 0;
    const { id } = await hub.context.imports.create(hub.admin, {
      items: [{ integrationId, ref, known: { name: space.name, kind: 'folder', path: space.name } }],
      includeAttachments: true,
    });
    await waitFor('a third of the files', async () => {
      const { counts } = await hub.context.imports.get(hub.admin, id);
      return counts.indexed >= FILES / 3;
    });
    atlassian.state.expireTokens();
    const detail = await finishedImport(hub, id, 90_000);
    expect(detail.counts).to.include({ indexed: FILES, failed: 0 });
    const refreshes = requests.filter(({ method, path }) => method === 'POST' && path.startsWith('/oauth/token'));
    expect(refreshes).to.have.length(1);
  });

  async function refOfSpace(integrationId: string): Promise<string> {
    const { browse } = hub.context;
    const { items: roots } = await browse.list(hub.admin, integrationId, {});
    for (const root of roots) {
      const { items } = await browse.list(hub.admin, integrationId, { ref: root.ref });
      const found = items.find(({ name }) => name === 'Many files');
      if (found) return found.ref;
    }
    throw new Error('the space is not listed');
  }
});
