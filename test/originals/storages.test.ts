import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { expect } from 'chai';
import { parseConfig, type Env } from '../../server/config.ts';
import { createEgress, hostsOf, type Egress } from '../../server/egress/egress.ts';
import { createOriginalStorages, OriginalError, type OriginalStorage } from '../../server/originals/originals.ts';
import { CONTAINER, onAzurite, startAzurite, type Azurite } from '../helpers/azurite.ts';
import { itKeepsOriginals, LABELS } from './storage-contract.ts';

describe('originals on disk', () => {
  let dataDir: string;
  let storage: OriginalStorage;
  before(async () => {
    dataDir = await mkdtemp(path.join(os.tmpdir(), 'tributary-data-'));
    const { takes } = createOriginalStorages(
      { originals: { keep: 'disk' }, dataDir },
      { fetch: () => Promise.reject(new Error('nothing leaves')) },
    );
    storage = takes!;
  });
  after(() => rm(dataDir, { recursive: true, force: true }));

  itKeepsOriginals(() => storage);

  it('can be read by the hub’s user only', async () => {
    const file = path.join(dataDir, 'content');
    await writeFile(file, 'x');
    const name = randomUUID();
    await storage.put(name, file, LABELS, { signal: new AbortController().signal });
    const root = path.join(dataDir, 'originals');
    expect((await stat(root)).mode & 0o777).to.equal(0o700);
    expect((await stat(path.join(root, name.slice(0, 2), name))).mode & 0o777).to.equal(0o600);
  });
});

onAzurite('originals in Azure Blob Storage', function () {
  this.timeout(60_000);
  let azurite: Azurite;
  let folder: string;
  let storage: OriginalStorage;
  const guards: Egress[] = [];
  before(async () => {
    azurite = await startAzurite();
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-file-'));
    storage = storageOf(azurite.env);
  });
  after(async () => {
    await Promise.all(guards.map((guard) => guard.close()));
    await azurite.close();
    await rm(folder, { recursive: true });
  });

  /** As the hub makes it from the variables, behind the guard. */
  function storageOf(env: Env, allowedHosts?: string[]): OriginalStorage {
    const config = parseConfig({ KEEP_ORIGINALS: 'azure', ...env });
    const egress = createEgress({ allowedHosts: allowedHosts ?? hostsOf(config, []), vendorHosts: [] });
    guards.push(egress);
    return createOriginalStorages(config, { fetch: egress.fetch, tries: 1 }).takes!;
  }

  async function put(into: OriginalStorage, labels = LABELS): Promise<string> {
    const file = path.join(folder, 'content');
    await writeFile(file, 'bytes');
    const name = randomUUID();
    await into.put(name, file, labels, { signal: new AbortController().signal });
    return name;
  }

  const refusal = async (work: Promise<unknown>): Promise<OriginalError> => {
    const error: unknown = await work.then(
      () => undefined,
      (e: unknown) => e,
    );
    if (!(error instanceof OriginalError)) throw new Error(`it was not refused: ${String(error)}`);
    expect(JSON.stringify([error.message, error.stack])).not.to.include(azurite.accountKey);
    return error;
  };

  itKeepsOriginals(() => storage);

  it('carries its labels, encoded and bounded, and what the browser is to take it for', async () => {
    const properties = await azurite.container.getBlobClient(await put(storage)).getProperties();
    const decoded = Object.fromEntries(
      Object.entries(properties.metadata ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
    expect(decoded).to.deep.equal({
      title: LABELS.title,
      source: LABELS.source,
      pageid: LABELS.pageId,
      url: LABELS.url,
    });
    expect(properties).to.include({ contentType: 'application/pdf', contentDisposition: 'attachment' });

    const hostile = {
      ...LABELS,
      title: `\r\nx-evil: 1${'港'.repeat(5000)}`,
      url: `https://x/${'u'.repeat(9000)}`,
      mediaType: 'a\r\nb',
    };
    const { metadata = {}, contentType } = await azurite.container
      .getBlobClient(await put(storage, hostile))
      .getProperties();
    expect(metadata).to.have.all.keys('title', 'source', 'pageid');
    expect(decodeURIComponent(metadata.title ?? '')).to.match(/^\r\nx-evil: 1港+$/);
    expect(JSON.stringify(metadata).length).to.be.below(8192);
    expect(contentType).to.equal('application/octet-stream');
  });

  it('takes a signature in place of a key, also one that may not make the container', async () => {
    const credential = new StorageSharedKeyCredential('tributarytest', azurite.accountKey);
    const query = generateBlobSASQueryParameters(
      {
        containerName: CONTAINER,
        permissions: ContainerSASPermissions.parse('rwdl'),
        expiresOn: new Date(Date.now() + 3_600_000),
      },
      credential,
    ).toString();
    const signed = storageOf({
      AZURE_STORAGE_ACCOUNT_URL: `${azurite.endpoint}?${query}`,
      AZURE_STORAGE_CONTAINER: CONTAINER,
    });
    expect(signed.place).to.equal(storage.place);
    const name = await put(signed);
    expect(await azurite.names()).to.include(name);
    await signed.remove(name);
    expect(await azurite.names()).not.to.include(name);
  });

  it('says what is wrong without the key: refused, out of reach, or not allowed to leave', async () => {
    const otherKey = azurite.env.AZURE_STORAGE_CONNECTION_STRING.replace(/AccountKey=[^;]+/, 'AccountKey=b3RoZXI=');
    const refused = await refusal(put(storageOf({ ...azurite.env, AZURE_STORAGE_CONNECTION_STRING: otherKey })));
    expect(refused.kind).to.equal('refused');
    expect(refused.message).to.include('403').and.to.include('AZURE_STORAGE_');

    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const nowhere = azurite.env.AZURE_STORAGE_CONNECTION_STRING.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${port}`);
    const away = await refusal(put(storageOf({ ...azurite.env, AZURE_STORAGE_CONNECTION_STRING: nowhere })));
    expect(away.kind).to.equal('unavailable');
    expect(away.message).to.include('ECONNREFUSED');

    const blocked = await refusal(put(storageOf(azurite.env, ['elsewhere.example'])));
    expect(blocked.kind).to.equal('refused');
    expect(blocked.message).to.include('EGRESS_ALLOWED_HOSTS');
  });

  it('looks without making anything', async () => {
    const signal = AbortSignal.timeout(20_000);
    expect(await storage.check(signal))
      .to.include(CONTAINER)
      .and.to.include('which answers');
    const other = storageOf({ ...azurite.env, AZURE_STORAGE_CONTAINER: 'another-one' });
    expect(await other.check(signal)).to.include('made with the first');
    expect(await azurite.container.exists()).to.equal(true);
  });
});
