import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { check } from '../../server/cli/check.ts';
import type { Finding } from '../../server/checks/finding.ts';
import { parseConfig, type Env } from '../../server/config.ts';
import { startAzureSearchServer, type AzureSearchServer } from '../helpers/azure-search-server.ts';
import { mainKind, freshDatabaseEnv, openTestDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { importDrive } from '../helpers/imports.ts';
import { waitFor } from '../helpers/wait.ts';
import { faultsOf } from './azure-contract.ts';

/** The quicker of the databases: what is specific to them is tested beside. */
const kind = mainKind;

describe('a hub with its index at Azure AI Search', function () {
  this.timeout(240_000);
  let server: AzureSearchServer;
  let folder: string;
  beforeEach(async () => {
    server = await startAzureSearchServer();
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-files-'));
    for (let n = 0; n < 6; n += 1)
      await writeFile(path.join(folder, `report-${n}.md`), `# Report ${n}\n\nPier ${n} was painted in week ${n}.`);
  });
  afterEach(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  const start = async () => startHub({ database: await openTestDatabase(kind), filesDir: folder, env: server.env });
  const searches = () => server.calls.filter(({ path: to }) => to.includes('post.search')).length;
  const titles = async (hub: TestHub, query: string) =>
    (await hub.context.search.search(hub.admin, { query, mode: 'keyword' })).map(({ title }) => title);

  it('imports, finds, forgets one document, and lets go of everything with the account', async () => {
    const hub = await start();
    try {
      const { integration, detail } = await importDrive(hub);
      expect(detail.counts).to.include({ indexed: 6, failed: 0 });
      expect(server.entries()).to.have.length(6);
      expect(new Set(server.entries().map(({ userId }) => userId))).to.have.keys(hub.admin.id);
      const before = searches();
      expect(await titles(hub, 'pier 3')).to.include('report-3.md');
      expect(await hub.context.search.search(hub.member, { query: 'pier 3' })).to.deep.equal([]);
      expect(searches()).to.be.greaterThan(before);

      const { documents } = await hub.context.documents.list(hub.admin);
      const third = documents.find(({ title }) => title === 'report-3.md');
      await hub.context.documents.delete(hub.admin, third?.id ?? '');
      expect(await titles(hub, 'pier')).not.to.include('report-3.md');
      await waitFor('the passages of the document to go', () => server.entries().length === 5);

      await hub.context.integrations.disconnect(hub.admin, integration.id, { documents: 'delete' });
      expect(await titles(hub, 'pier')).to.deep.equal([]);
      await waitFor('all passages to go', () => server.entries().length === 0);
      expect((await faultsOf(server.calls)) ?? []).to.deep.equal([]);
      expect(hub.logs()).not.to.include(server.key);
      expect(hub.logs()).not.to.include('the index did not answer');
    } finally {
      await hub.close();
    }
  });

  it('imports once the service answers again, and says in the ledger why a file waits', async () => {
    const hub = await start();
    try {
      // Six tries each, of more files than one.
      server.planned.push(...Array.from({ length: 12 }, () => ({ on: /search\.index/, status: 429, retryAfter: '0' })));
      const { detail } = await importDrive(hub);
      expect(detail.counts).to.include({ indexed: 6, failed: 0 });
      expect(server.entries()).to.have.length(6);
    } finally {
      await hub.close();
    }
  });

  it('does not start with an index that does not fit, and says what to do', async () => {
    const database = await openTestDatabase(kind);
    try {
      const env = { ...server.env, AZURE_SEARCH_API_KEY: 'not-the-key' };
      const refused = await startHub({ database, filesDir: folder, env }).then(
        () => expect.fail('it started'),
        (error: unknown) => (error as Error).message,
      );
      expect(refused).to.include('refused the key in AZURE_SEARCH_API_KEY');
      expect(refused).not.to.include('not-the-key');
    } finally {
      await database.close();
    }
  });

  it('is told of by the checker in one line', async () => {
    const fresh = await freshDatabaseEnv(kind);
    const found = async (env: Env) => {
      const io = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr };
      const { json } = await check({ env: { ...fresh.env, ...env }, ...io });
      return (json as { findings: Finding[] }).findings.filter(({ about }) => about === 'Azure AI Search');
    };
    try {
      const [missing] = await found(server.env);
      expect(missing).to.include({ level: 'ok' });
      expect(missing?.message).to.match(/answers; the index .*\/tributary-test is made at the first start/);
      expect(server.indexes.size).to.equal(0);
      const [locked] = await found({ ...server.env, AZURE_SEARCH_API_KEY: 'not-the-key' });
      expect(locked).to.include({ level: 'fail' });
      expect(locked?.message).to.include('refused the key in AZURE_SEARCH_API_KEY (403)');
      expect(await found({})).to.deep.equal([]);
    } finally {
      await fresh.remove();
    }
  });

  it('asks for complete and sane variables', () => {
    const problems = (env: Env): string => {
      try {
        parseConfig(env);
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(problems({ AZURE_SEARCH_ENDPOINT: 'https://a.search.windows.net/' })).to.equal('');
    expect(problems({ AZURE_SEARCH_ENDPOINT: 'https://a.search.windows.net/x' })).to.include('without a path');
    expect(problems({ AZURE_SEARCH_ENDPOINT: 'http://10.0.0.1' })).to.include('AZURE_SEARCH_API_KEY: is needed');
    expect(problems({ AZURE_SEARCH_API_KEY: 'key' })).to.include('needs AZURE_SEARCH_ENDPOINT');
    for (const index of ['Capital', 'a--b', '-a', 'a', 'a b'])
      expect(
        problems({ AZURE_SEARCH_ENDPOINT: 'https://a.search.windows.net', AZURE_SEARCH_INDEX: index }),
        index,
      ).to.include('AZURE_SEARCH_INDEX: must have');
  });
});
