import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { openPostgres } from '../../server/database/open.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { root } from '../docs/markdown.ts';
import { freshDatabaseEnv } from '../helpers/database.ts';
import { PASSWORD } from '../helpers/hub.ts';
import { startHubProcess, type HubProcess } from '../helpers/hub-process.ts';
import { notRun } from '../helpers/requirements.ts';

describe('several processes that start at once on an empty Postgres', function () {
  this.timeout(180_000);

  it('migrate it once, make one admin, and are all ready', async () => {
    if (!process.env.TEST_DATABASE_URL) return notRun('processes that start at once', 'TEST_DATABASE_URL is not set');
    const { env, remove } = await freshDatabaseEnv('postgres');
    const hubs: HubProcess[] = ['web', 'web', 'worker', 'all'].map((role) =>
      startHubProcess(
        { entry: path.join(root, 'server', 'main.ts') },
        {
          ...env,
          ROLE: role,
          PORT: '0',
          HOST: '127.0.0.1',
          SESSION_SECRET: 'a secret of sixteen characters',
          INTEGRATION_ENCRYPTION_KEY: generateFernetKey(),
          ADMIN_EMAIL: 'admin@example.com',
          ADMIN_PASSWORD: PASSWORD,
        },
        'tsx',
      ),
    );
    const database = openPostgres(env.DATABASE_URL ?? '');
    try {
      await Promise.all(hubs.map(({ ready }) => ready));
      const applied = (await database.knex('knex_migrations').orderBy('id').pluck('name')) as string[];
      expect(applied.map((name) => path.parse(name).name)).to.deep.equal(
        readdirSync(path.join(root, 'migrations'))
          .filter((name) => name.endsWith('.ts'))
          .map((name) => path.parse(name).name)
          .sort(),
      );
      expect(await database.knex('users').pluck('role')).to.deep.equal(['admin']);
      for (const hub of hubs) if (hub.url()) expect((await fetch(`${hub.url()}/readyz`)).status).to.equal(200);
      const migrated = hubs.filter((hub) => hub.output().includes('the database was migrated'));
      expect(migrated).to.have.length(1);
    } finally {
      await Promise.all(hubs.filter((hub) => !hub.hasEnded()).map((hub) => hub.stop()));
      await database.close();
      await remove();
    }
  });
});
