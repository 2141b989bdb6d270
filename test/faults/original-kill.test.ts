import { expect } from 'chai';
import type { Database } from '../../server/database/database.ts';
import { onAzurite, startAzurite, type Azurite } from '../helpers/azurite.ts';
import { bundleHub, startHubProcess, type Bundle, type HubProcess } from '../helpers/hub-process.ts';
import { waitFor } from '../helpers/wait.ts';
import { beginImport, createWorld, importOf, removeFiles, writeKillFiles, type World } from './kill-world.ts';

const FILES = 10;
/** What IMPORT_CONCURRENCY says in this world. */
const AT_A_TIME = 4;
const onBoth = process.env.TEST_DATABASE_URL ? onAzurite : () => undefined;

onBoth('kill -9 between the upload of an original and its row', function () {
  this.timeout(300_000);
  let filesDir: string;
  let bundle: Bundle;
  let azurite: Azurite;
  let world: World;
  let database: Database;
  const running: HubProcess[] = [];
  before(async () => {
    filesDir = await writeKillFiles(FILES);
    bundle = await bundleHub();
    azurite = await startAzurite();
    world = await createWorld({ kind: 'postgres', filesDir, lanes: 1, env: azurite.env });
    database = await world.open();
  });
  after(async () => {
    await Promise.all(running.filter((one) => !one.hasEnded()).map((one) => one.kill()));
    await database.close();
    await world.close();
    await azurite.close();
    await bundle.remove();
    await removeFiles(filesDir);
  });

  async function begin(): Promise<HubProcess> {
    const hub = startHubProcess(bundle, { ...world.env, ...world.lanes[0]!.env });
    running.push(hub);
    await hub.ready;
    return hub;
  }

  it('leaves no document without its original and, soon, no original without its document', async () => {
    const first = await begin();
    // Whoever wants to write a document waits.
    const lock = await database.knex.transaction();
    await lock.raw('lock table chunks in exclusive mode');
    const importId = await beginImport(world, first.url());
    await waitFor('uploads', async () => (await azurite.names()).length === AT_A_TIME, 120_000);
    await first.kill();
    await lock.rollback();
    const left = await azurite.names();
    expect((await database.knex('originals').whereNull('document_id').pluck('id')).sort()).to.deep.equal(left);

    const second = await begin();
    await waitFor(
      'the import to finish',
      async () => Boolean((await importOf(world, second.url(), importId)).finishedAt),
      120_000,
    );
    const kept = (await database
      .knex('documents')
      .join('originals', 'originals.document_id', 'documents.id')
      .pluck('originals.id')) as string[];
    expect(kept).to.have.length(FILES).and.not.to.include.members(left);
    expect(await azurite.names()).to.have.length(FILES + AT_A_TIME);
    // As if the ten minutes had passed for which the dead process had them in hand.
    await database
      .knex('originals')
      .whereNull('document_id')
      .update({ held_until: new Date(0) });
    await waitFor('what was left behind to be removed', async () => (await azurite.names()).length === FILES, 60_000);
    expect(await azurite.names()).to.deep.equal(kept.sort());
    for (const process of running) expect(process.output()).to.not.include(azurite.accountKey);
    expect((await second.stop()).code).to.equal(0);
  });
});
