import { expect } from 'chai';
import { createClient } from 'redis';
import { databaseKinds, openTestDatabase } from '../helpers/database.ts';
import { startHub } from '../helpers/hub.ts';
import { signInAs } from '../helpers/visitor.ts';

const SESSION_SECRET = 'a secret that both processes know';
const redisUrl = process.env.TEST_REDIS_URL;
const stores = [
  ...databaseKinds.map((kind) => ({ kind, redis: undefined as string | undefined })),
  ...(redisUrl ? [{ kind: 'embedded' as const, redis: redisUrl }] : []),
];

for (const { kind, redis } of stores)
  describe(`sessions in ${redis ? 'Redis' : `the database (${kind})`}`, function () {
    this.timeout(120_000);

    it('outlive the process, are known to every process, and end everywhere at sign-out', async () => {
      const database = await openTestDatabase(kind);
      const env = { SESSION_SECRET, REDIS_URL: redis };
      const close = database.close.bind(database);
      // The first hub must leave the database to the second.
      database.close = () => Promise.resolve();
      const first = await startHub({ database, env });
      const visitor = await signInAs(first.url, 'admin@example.com');
      const cookie = visitor.cookies();
      const rows = Number(((await database.knex('sessions').count('* as n').first()) as { n: string }).n);
      expect(rows > 0).to.equal(redis === undefined);
      if (redis) {
        const client = createClient({ url: redis });
        await client.connect();
        const stored = (await client.keys('tributary:session:*')).length;
        client.destroy();
        expect(stored).to.be.above(0);
      }
      await first.close();

      const second = await startHub({ database, env, users: false });
      const ask = (path: string) => fetch(second.url + path, { headers: { cookie }, redirect: 'manual' });
      expect((await ask('/admin/integrations')).status).to.equal(200);
      const html = await (await ask('/admin/integrations')).text();
      const token = /name="csrf-token" content="([^"]+)"/.exec(html)?.[1] ?? '';
      await fetch(`${second.url}/sign-out`, {
        method: 'POST',
        headers: { cookie },
        body: new URLSearchParams({ _csrf: token }),
        redirect: 'manual',
      });
      expect((await ask('/admin/integrations')).status).to.equal(303);
      await second.close();
      await close();
    });
  });
