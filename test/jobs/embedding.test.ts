import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import * as schemas from '../../server/api/schemas.ts';
import { paths } from '../../server/paths.ts';
import type { User } from '../../server/services/user-service.ts';
import { answer, openClient } from '../api/client.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { startOpenAiServer, type OpenAiServer } from '../helpers/openai-server.ts';
import { signInAs } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

const FILES = 40;

onOneDatabase('embedding of an import by a model’s server', (open) => {
  let hub: TestHub;
  let openai: OpenAiServer;
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-files-'));
    for (let n = 0; n < FILES; n += 1)
      await writeFile(
        path.join(folder, `report-${n}.md`),
        `# Report ${n}\n\nPier ${n} was painted in week ${n}.${n ? '' : ' Twice.'}`,
      );
    openai = await startOpenAiServer();
    hub = await startHub({ database: await open(), filesDir: folder, env: openai.env });
  });
  afterEach(async () => {
    await hub.close();
    await openai.close();
    await rm(folder, { recursive: true });
  });

  async function importAll(user: User, integrationId?: string) {
    const integration = { id: integrationId ?? (await connectGoogle(hub, user)).id };
    const { items } = await hub.context.browse.list(user, integration.id, {});
    const { id } = await hub.context.imports.create(user, {
      items: [{ integrationId: integration.id, ref: items.find(({ name }) => name === 'My Drive')?.ref ?? '' }],
      recursive: true,
    });
    return waitFor(
      'the import to finish',
      async () => {
        const detail = await hub.context.imports.get(user, id);
        return detail.finishedAt !== null && detail;
      },
      90_000,
    );
  }

  it('fills requests across documents, and sends no text twice, for whomever it is', async () => {
    const first = await importAll(hub.admin);
    expect(first.counts).to.include({ indexed: FILES, failed: 0 });
    const { requests } = openai;
    const sent = openai.embedded();
    expect(sent).to.have.length(FILES);
    expect(new Set(sent).size).to.equal(FILES);
    // Eight files are in work at a time, so that no request can hold more of these.
    expect(requests.length).to.be.at.most(FILES / 2);

    const before = requests.length;
    const second = await importAll(hub.member);
    expect(second.counts).to.include({ indexed: FILES, failed: 0 });
    expect(requests.slice(before).flatMap(({ inputs }) => inputs)).to.deep.equal([]);
    const [hit] = await hub.context.search.search(hub.member, { query: 'painted pier 7' });
    expect(hit?.title).to.match(/^report-/);
  }).timeout(240_000);

  it('fails what the model’s server refuses and nothing else, and finds by words while the server is away', async () => {
    const { id } = await connectGoogle(hub, hub.admin);
    openai.planned.push(...Array.from({ length: 100 }, () => ({ status: 401 })));
    const locked = await importAll(hub.admin, id);
    expect(locked.counts).to.include({ failed: FILES, indexed: 0 });
    for (const { reason, reasonCode } of locked.items) {
      expect(reasonCode).to.equal('embedding_misconfigured');
      expect(reason).to.include('OPENAI_API_KEY');
    }
    expect((await hub.context.integrations.get(hub.admin, id)).status).to.equal('active');

    openai.planned.length = 0;
    openai.planned.push({ status: 500 }, { status: 429, retryAfter: '1' });
    openai.mostWords = 11;
    const refused = await importAll(hub.admin, id);
    expect(refused.counts).to.include({ failed: 1, indexed: FILES - 1 });
    const [long] = refused.items.filter(({ state }) => state === 'failed');
    expect(long).to.include({ name: 'report-0.md', reasonCode: 'embedding_refused' });
    expect(long?.reason).to.include('maximum context length is 11 tokens');

    openai.mostWords = Infinity;
    const again = await importAll(hub.admin, id);
    expect(again.counts).to.include({ failed: 0, indexed: 1, unchanged: FILES - 1 });

    const client = await openClient(hub);
    const ask = { body: { query: 'painted pier 7', mode: 'semantic' } };
    const near = await answer(await client.call('POST', '/search', ask), 200, schemas.searchAnswer);
    expect(near.notice).to.equal(undefined);
    await openai.close();
    const byWords = await answer(await client.call('POST', '/search', ask), 200, schemas.searchAnswer);
    expect(byWords.notice).to.include('by its words alone');
    expect(byWords.results[0]?.title).to.equal('report-7.md');
    const visitor = await signInAs(hub.url, hub.admin.email);
    const page = await visitor.get(paths.search({ q: 'painted pier 7' }));
    expect(page.html).to.include('by its words alone').and.include('report-7.md');
    expect((await visitor.get(`${paths.search({ q: 'pier' })}&mode=keyword`)).html).not.to.include(
      'by its words alone',
    );
  }).timeout(360_000);
});
