import { expect } from 'chai';
import type { Env } from '../../server/config.ts';
import { databaseKinds } from '../helpers/database.ts';
import { bundleHub, startHubProcess, type Bundle, type HubProcess } from '../helpers/hub-process.ts';
import { waitFor } from '../helpers/wait.ts';
import { beginImport, createWorld, importOf, removeFiles, writeKillFiles, type World } from './kill-world.ts';

const FILES = 120;

for (const kind of databaseKinds)
  describe(`kill -9 while stored passages are embedded anew (${kind})`, function () {
    this.timeout(300_000);
    let filesDir: string;
    let bundle: Bundle;
    let world: World;
    const running: HubProcess[] = [];
    before(async () => {
      filesDir = await writeKillFiles(FILES);
      bundle = await bundleHub();
      world = await createWorld({ kind, filesDir, lanes: 1, env: { EMBEDDING_MODEL: 'lexical' } });
    });
    after(async () => {
      world.model.gate = undefined;
      await Promise.all(running.filter((one) => !one.hasEnded()).map((one) => one.kill()));
      await world.close();
      await bundle.remove();
      await removeFiles(filesDir);
    });

    async function begin(env: Env = {}): Promise<HubProcess> {
      const hub = startHubProcess(bundle, { ...world.env, ...world.lanes[0]!.env, ...env });
      running.push(hub);
      await hub.ready;
      return hub;
    }
    /** What lies in the database while no process uses it. */
    async function stored(): Promise<{ passages: number; embedded: number }> {
      const database = await world.open();
      try {
        // As if the half minute had passed for which the dead process had the work.
        await database.knex('search_embedder').update({ held_until: null });
        const count = async (column: string, from: string) =>
          Number((await database.knex(from).countDistinct(`${column} as count`).first())?.count);
        const vectors = database.knex('chunk_embeddings').whereNot({ embedder: 'lexical-1024-v1' });
        return {
          passages: await count('text_hash', 'chunks'),
          embedded: Number((await vectors.count('* as count').first())?.count),
        };
      } finally {
        await database.close();
      }
    }

    it('goes on after it, and what was stored is not sent again', async () => {
      const first = await begin();
      const importId = await beginImport(world, first.url());
      await waitFor(
        'the import to finish',
        async () => Boolean((await importOf(world, first.url(), importId)).finishedAt),
        120_000,
      );
      await first.stop();
      const { model } = world;
      expect(model.requests).to.deep.equal([]);

      const next = { EMBEDDING_MODEL: 'next-model' };
      model.gate = () => (model.requests.length > 2 ? new Promise(() => undefined) : undefined);
      const second = await begin(next);
      await waitFor('the third batch', () => model.requests.length > 2, 60_000);
      await second.kill();
      const { passages, embedded } = await stored();
      expect(embedded).to.be.within(1, passages - 1);

      model.gate = undefined;
      model.requests.length = 0;
      const third = await begin(next);
      const asksTheModel = async () => {
        await fetch(`${third.url()}/api/v1/search`, {
          method: 'POST',
          headers: { authorization: `Bearer ${world.token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ query: 'the query' }),
        });
        return model.embedded().includes('the query');
      };
      await waitFor('searches to use the new model', asksTheModel, 90_000);
      expect(model.embedded().filter((text) => text !== 'the query')).to.have.length(passages - embedded);
      expect((await third.stop()).code).to.equal(0);
      expect((await stored()).embedded).to.equal(passages);
    });
  });
