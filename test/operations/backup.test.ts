import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { runCli } from '../../server/cli/run.ts';
import { parseConfig, type Env } from '../../server/config.ts';
import { openDatabase, openPostgres } from '../../server/database/open.ts';
import type { Database } from '../../server/database/database.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { importDrive } from '../helpers/imports.ts';
import { createPostgresDatabase } from '../helpers/postgres-server.ts';
import { notRun } from '../helpers/requirements.ts';
import { signInAs } from '../helpers/visitor.ts';

const TEXT = '# Moorings\n\nThe spring line is doubled in winter.\n';
const KEYS: Env = {
  SESSION_SECRET: 'a secret of sixteen characters',
  INTEGRATION_ENCRYPTION_KEY: generateFernetKey(),
};

async function command(args: string[], env: Env): Promise<{ code: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        said[name] += chunk.toString();
        done();
      },
    });
  const code = await runCli(args, { env, stdin: Readable.from([]), stdout: sink('stdout'), stderr: sink('stderr') });
  return { code, ...said };
}

/** What a hub has that must not be lost. */
type Belongings = { integrationId: string; accessToken: string; documents: string[]; originals: string[] };

async function fill(hub: TestHub): Promise<Belongings> {
  const { integration, detail } = await importDrive(hub);
  expect(detail.counts).to.include({ indexed: 1, total: 1 });
  return belongingsOf(hub, integration.id);
}

/** Everything is there, and works: what is sealed opens, and originals are downloaded. */
async function belongingsOf(hub: TestHub, integrationId: string): Promise<Belongings> {
  const visitor = await signInAs(hub.url, 'admin@example.com');
  const results = await hub.context.search.search(hub.admin, { query: 'doubled spring line' });
  const originals = await Promise.all(
    results.map(async ({ documentId }) => {
      const answer = await visitor.fetch(`/admin/documents/${documentId}/original`);
      return answer.status === 200 ? answer.text() : '';
    }),
  );
  const grant = await hub.context.credentials.read(integrationId);
  return {
    integrationId,
    accessToken: grant?.accessToken.reveal() ?? '',
    documents: results.map(({ title, text }) => `${title}: ${text}`),
    originals,
  };
}

describe('a backup of the embedded database', function () {
  this.timeout(180_000);
  let folder: string;
  let had: Belongings;
  const at = (name: string) => path.join(folder, name);
  const envOf = (name: string): Env => ({ ...KEYS, DATA_DIR: at(name) });

  async function start(name: string): Promise<TestHub> {
    const database: Database = await openDatabase(parseConfig(envOf(name)));
    return startHub({ database, filesDir: at('files'), env: { ...envOf(name), KEEP_ORIGINALS: 'disk' } });
  }

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-backup-'));
    await mkdir(at('files'));
    await writeFile(path.join(at('files'), 'Moorings.md'), TEXT);
    const hub = await start('data');
    try {
      had = await fill(hub);
      expect(had.accessToken).not.to.equal('');
      expect(had.originals).to.deep.equal([TEXT]);
      await writeFile(path.join(at('data'), 'encryption-key'), KEYS.INTEGRATION_ENCRYPTION_KEY ?? '');
      const refused = await command(['backup', at('early.backup')], envOf('data'));
      expect(refused.code).to.equal(1);
      expect(refused.stderr).to.include('is open in a running hub');
      expect(existsSync(at('early.backup'))).to.equal(false);
      const restored = await command(['restore', at('early.backup'), '--force'], envOf('data'));
      expect(restored.code).to.equal(1);
    } finally {
      await hub.close();
    }
    const made = await command(['backup', at('hub.backup')], envOf('data'));
    expect(made.stderr).to.include('keep it, and SESSION_SECRET, in another place');
    expect(made.code).to.equal(0);
    expect(made.stdout).to.match(/^Wrote \d+ files to /);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('is for its owner alone, holds no key, and can be read by other programs', () => {
    expect(statSync(at('hub.backup')).mode & 0o777).to.equal(0o600);
    const key = Buffer.from(KEYS.INTEGRATION_ENCRYPTION_KEY ?? '-');
    expect(gunzipSync(readFileSync(at('hub.backup'))).includes(key)).to.equal(false);
    const listed = spawnSync('tar', ['--list', '--gzip', '--file', at('hub.backup')], { encoding: 'utf8' });
    expect(listed.status, listed.stderr).to.equal(0);
    expect(
      new Set(
        listed.stdout
          .trim()
          .split('\n')
          .map((name) => name.split('/')[0]),
      ),
    ).to.deep.equal(new Set(['postgres', 'originals']));
  });

  it('becomes the same hub in a new folder', async () => {
    const done = await command(['restore', at('hub.backup')], envOf('restored'));
    expect(done.stderr).to.include('Set the keys of that time');
    expect(done.code).to.equal(0);
    expect(readdirSync(at('restored')).sort()).to.deep.equal(['originals', 'postgres']);
    const hub = await start('restored');
    try {
      expect(await belongingsOf(hub, had.integrationId)).to.deep.equal(had);
    } finally {
      await hub.close();
    }
  });

  it('does not take the place of data, of a file, or of what it cannot replace', async () => {
    const again = await command(['backup', at('hub.backup')], envOf('data'));
    expect([again.code, again.stderr]).to.deep.equal([
      1,
      `${at('hub.backup')} is there already. Choose another name, or replace it with --force.\n`,
    ]);
    const over = await command(['restore', at('hub.backup')], envOf('data'));
    expect(over.code).to.equal(1);
    expect(over.stderr).to.include('holds data already (postgres, originals)');

    await writeFile(at('torn.backup'), readFileSync(at('hub.backup')));
    truncateSync(at('torn.backup'), Math.floor(statSync(at('torn.backup')).size / 2));
    await writeFile(at('other.backup'), 'not a backup');
    for (const [file, words] of [
      ['torn.backup', /is no whole backup/],
      ['other.backup', /is no whole backup/],
      ['missing.backup', /There is no file/],
    ] as const) {
      const { code, stderr } = await command(['restore', at(file), '--force'], envOf('data'));
      expect(code, file).to.equal(1);
      expect(stderr).to.match(words);
    }
    expect(readdirSync(at('data')).sort()).to.deep.equal(['encryption-key', 'originals', 'postgres']);
    const empty = await command(['backup', at('empty.backup')], envOf('nothing'));
    expect(empty.stderr).to.include('There is no database in');
    expect((await command(['restore'], envOf('data'))).stderr).to.include('The name of one file is needed.');
  });

  it('takes the place of data where that is asked for', async () => {
    const done = await command(['restore', at('hub.backup'), '--force'], envOf('data'));
    expect([done.code, done.stdout]).to.deep.equal([0, done.stdout]);
    expect(readdirSync(at('data')).sort()).to.deep.equal(['encryption-key', 'originals', 'postgres']);
    const hub = await start('data');
    try {
      expect(await belongingsOf(hub, had.integrationId)).to.deep.equal(had);
    } finally {
      await hub.close();
    }
  });

  it('is not for a database on a server', async () => {
    const env = { ...KEYS, DATABASE_URL: 'postgres://hub@127.0.0.1:1/hub' };
    for (const args of [
      ['backup', at('server.backup')],
      ['restore', at('hub.backup')],
    ])
      expect((await command(args, env)).stderr).to.include('by pg_dump and pg_restore');
  });
});

describe('a backup of a Postgres server', function () {
  this.timeout(180_000);

  it('by pg_dump becomes the same hub by pg_restore', async () => {
    if (!process.env.TEST_DATABASE_URL || spawnSync('pg_dump', ['--version']).status !== 0)
      return notRun('backup and restore of a Postgres server', 'TEST_DATABASE_URL is not set, or pg_dump is not there');
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-dump-'));
    await writeFile(path.join(folder, 'Moorings.md'), TEXT);
    const [first, second] = [await createPostgresDatabase(), await createPostgresDatabase()];
    const run = (program: string, ...args: string[]) => {
      const done = spawnSync(program, args, { encoding: 'utf8' });
      expect(done.status, done.stderr).to.equal(0);
    };
    const start = (url: string) => startHub({ database: openPostgres(url), filesDir: folder, env: KEYS });
    try {
      const hub = await start(first.url);
      const had = await fill(hub);
      // As docs/operations.md has it, beside the running hub.
      const file = `${folder}.dump`;
      run('pg_dump', '--format=custom', `--file=${file}`, first.url);
      await hub.close();
      run('pg_restore', '--no-owner', '--exit-on-error', `--dbname=${second.url}`, file);
      await rm(file);
      const restored = await start(second.url);
      try {
        expect(await belongingsOf(restored, had.integrationId)).to.deep.equal(had);
        expect((await importDrive(restored)).detail.counts).to.include({ unchanged: 1 });
      } finally {
        await restored.close();
      }
    } finally {
      await first.drop();
      await second.drop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
