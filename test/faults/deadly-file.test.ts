import { expect } from 'chai';
import { mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { bundleHub, startHubProcess, type Bundle, type HubProcess } from '../helpers/hub-process.ts';
import { waitFor } from '../helpers/wait.ts';
import { beginImport, createWorld, importOf, removeFiles, type World } from './kill-world.ts';

/** Loaded into each process: it dies when it begins to read the file. */
const DEADLY = new URL('./dies-of-a-file.mjs', import.meta.url).href;
const HARMLESS = 12;

describe('a file that the hub dies of', function () {
  this.timeout(600_000);
  let filesDir: string;
  let bundle: Bundle;
  let world: World;
  let hub: HubProcess;
  before(async () => {
    filesDir = await mkdtemp(path.join(os.tmpdir(), 'tributary-deadly-'));
    for (let at = 0; at < HARMLESS; at++)
      await writeFile(path.join(filesDir, `${at} harmless.txt`), `The log number ${at} of the harbour.`);
    await writeFile(path.join(filesDir, 'deadly.txt'), 'A text like any other.');
    bundle = await bundleHub();
    // One process on the embedded database: the successor takes up at once what its predecessor left.
    world = await createWorld({ kind: 'embedded', filesDir, lanes: 1 });
  });
  after(async () => {
    await hub?.kill();
    await world.close();
    await bundle.remove();
    await removeFiles(filesDir);
  });

  it('ends as failed with the reason, and costs no other file anything', async () => {
    const begin = () => startHubProcess(bundle, { ...world.env, ...world.lanes[0]!.env }, DEADLY);
    let deaths = 0;
    hub = begin();
    await hub.ready;
    const importId = await beginImport(world, hub.url());
    const ended = await waitFor(
      'the import to finish',
      async () => {
        if (hub.hasEnded()) {
          deaths++;
          hub = begin();
        }
        if (!hub.isReady()) return undefined;
        const found = await importOf(world, hub.url(), importId).catch(() => undefined);
        return found?.finishedAt ? found : undefined;
      },
      500_000,
    );
    expect(ended.items.filter(({ status }) => status !== 'indexed')).to.have.length(1);
    const deadly = ended.items.find(({ name }) => name === 'deadly.txt');
    expect(deadly).to.include({ status: 'failed', reasonCode: 'worker_stopped' });
    expect(deadly?.reason).to.match(/^The hub stopped each time it worked on this file and on nothing else\./);
    expect(ended.counts).to.include({ indexed: HARMLESS, failed: 1 });
    // Twice among others, four times alone.
    expect(deaths).to.equal(6);
  });
});
