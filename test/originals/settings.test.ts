import { randomUUID } from 'node:crypto';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { checkOriginals } from '../../server/checks/check-originals.ts';
import { pruneOriginals } from '../../server/cli/originals.ts';
import { ConfigError, parseConfig, type Env } from '../../server/config.ts';
import { freshDatabaseEnv } from '../helpers/database.ts';

const KEY = Buffer.from('a key that nobody may see').toString('base64');
const CONNECTION = `DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=${KEY};EndpointSuffix=core.windows.net`;
const BY_KEY = { AZURE_STORAGE_CONNECTION_STRING: CONNECTION, AZURE_STORAGE_CONTAINER: 'originals' };

describe('the settings of originals', () => {
  const problems = (env: Env): string[] => {
    try {
      parseConfig(env);
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      expect(error.message).to.not.include(KEY);
      return error.problems;
    }
  };

  it('keep nothing unless they say so, and know an account by its key, a signature or an identity', () => {
    expect(parseConfig({}).originals).to.deep.equal({ keep: 'none', azure: undefined });
    expect(parseConfig(BY_KEY).originals.keep).to.equal('none');
    const of = (env: Env) =>
      parseConfig({ KEEP_ORIGINALS: 'azure', AZURE_STORAGE_CONTAINER: 'originals', ...env }).originals;
    const { azure } = of(BY_KEY);
    expect(azure).to.include({ endpoint: 'https://acme.blob.core.windows.net', container: 'originals' });
    expect(azure?.access.kind).to.equal('connection-string');
    const signed = of({ AZURE_STORAGE_ACCOUNT_URL: 'https://acme.blob.core.windows.net/?sv=1&sig=secret-signature' });
    expect(signed.azure).to.include({ endpoint: 'https://acme.blob.core.windows.net' });
    expect(JSON.stringify(signed)).to.not.include('secret-signature');
    const named = of({ AZURE_STORAGE_ACCOUNT_URL: 'https://acme.blob.core.windows.net' });
    expect(named.azure?.access).to.deep.equal({ kind: 'identity' });
    expect(of({ AZURE_STORAGE_CONNECTION_STRING: 'UseDevelopmentStorage=true' }).azure?.endpoint).to.equal(
      'http://127.0.0.1:10000/devstoreaccount1',
    );
  });

  it('name what is missing or wrong, without the key', () => {
    expect(problems({ KEEP_ORIGINALS: 'yes' })[0]).to.include('none, disk or azure');
    expect(problems({ KEEP_ORIGINALS: 'azure' })[0]).to.include('AZURE_STORAGE_CONNECTION_STRING');
    expect(problems({ ...BY_KEY, AZURE_STORAGE_CONTAINER: undefined })[0]).to.match(
      /^AZURE_STORAGE_CONTAINER: must name/,
    );
    expect(problems({ ...BY_KEY, AZURE_STORAGE_CONTAINER: 'Not a name' })[0]).to.include('lower-case');
    expect(problems({ AZURE_STORAGE_CONTAINER: 'originals' })[0]).to.include('needs');
    expect(problems({ ...BY_KEY, AZURE_STORAGE_ACCOUNT_URL: 'https://acme.blob.core.windows.net' })[0]).to.include(
      'not both',
    );
    for (const broken of [`AccountKey=${KEY}`, KEY, `AccountName=a;AccountKey=${KEY};BlobEndpoint=ftp://x`])
      expect(problems({ ...BY_KEY, AZURE_STORAGE_CONNECTION_STRING: broken })).to.have.length(1);
    for (const address of ['http://acme.blob.core.windows.net', 'acme', `https://u:${KEY}@acme.example`])
      expect(problems({ AZURE_STORAGE_ACCOUNT_URL: address, AZURE_STORAGE_CONTAINER: 'originals' })).to.have.length(1);
  });
});

describe('commands about originals', function () {
  this.timeout(240_000);

  it('check says where they are kept, or why they cannot be', async () => {
    const say = async (env: Env) => checkOriginals(parseConfig({ DATA_DIR: '/nowhere/at-all', ...env }));
    expect(await say({})).to.include({ level: 'ok', message: 'are not kept; KEEP_ORIGINALS is none' });
    expect((await say({ KEEP_ORIGINALS: 'disk' })).message).to.include('made with the first');
    const connection = `DefaultEndpointsProtocol=http;AccountName=acme;AccountKey=${KEY};BlobEndpoint=http://127.0.0.1:1/acme`;
    const away = await say({ ...BY_KEY, KEEP_ORIGINALS: 'azure', AZURE_STORAGE_CONNECTION_STRING: connection });
    expect(away.level).to.equal('fail');
    expect(away.message).to.include('could not be reached').and.not.include(KEY);
  });

  it('prune finds what no row knows and is older than a day, and removes it when told to', async () => {
    const fresh = await freshDatabaseEnv('embedded');
    try {
      const put = async (modifiedAt: Date): Promise<string> => {
        const name = randomUUID();
        const folder = path.join(fresh.env.DATA_DIR, 'originals', name.slice(0, 2));
        await mkdir(folder, { recursive: true });
        await writeFile(path.join(folder, name), 'x');
        await utimes(path.join(folder, name), modifiedAt, modifiedAt);
        return path.join(name.slice(0, 2), name);
      };
      const old = await put(new Date('2026-01-01'));
      const young = await put(new Date());
      const io = { env: fresh.env, stdin: process.stdin, stdout: process.stdout, stderr: process.stderr };
      const left = () => readdir(path.join(fresh.env.DATA_DIR, 'originals'), { recursive: true });
      expect((await pruneOriginals(io, {})).json).to.deep.equal({ unknown: { disk: 1 }, removed: false });
      expect(await left()).to.include.members([old, young]);
      expect((await pruneOriginals(io, { remove: true })).json).to.deep.equal({ unknown: { disk: 1 }, removed: true });
      expect(await left())
        .to.include(young)
        .and.not.include(old);
    } finally {
      await fresh.remove();
    }
  });
});
