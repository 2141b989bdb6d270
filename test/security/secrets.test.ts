import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { connectGoogle, consent } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { PASSWORD, startHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { signInAs } from '../helpers/visitor.ts';

onOneDatabase('secrets', (open) => {
  it('reach neither the log nor an unencrypted column, whatever succeeds or fails', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-files-'));
    await writeFile(path.join(folder, 'note.txt'), 'The harbour opens at six.');
    const hub = await startHub({ database: await open(), filesDir: folder, env: { LOG_LEVEL: 'trace' } });
    try {
      const { context, sandbox } = hub;
      const secrets = new Map<string, string>([['the password', PASSWORD]]);
      const keep = (name: string, value: string | null | undefined) => {
        expect(value, name).to.have.length.above(8);
        secrets.set(name, value ?? '');
      };

      const visitor = await signInAs(hub.url, 'admin@example.com');
      for (const platform of ['google_drive', 'microsoft', 'dropbox'] as const) {
        const begun = await visitor.post(`/admin/integrations/connect/${platform}`);
        const back = await consent(begun.location ?? '', 'Allow');
        keep(`the code of ${platform}`, back.searchParams.get('code'));
        keep(`the state of ${platform}`, back.searchParams.get('state'));
        await visitor.get(back.pathname + back.search);
        await visitor.get('/admin/integrations');
      }
      keep('the API token', await hub.token(hub.admin));
      keep('the client secret of Google', context.config.google.clientSecret?.reveal());
      keep('the client secret of Microsoft', context.config.microsoft.clientSecret?.reveal());
      keep('the client secret of Dropbox', context.config.dropbox.clientSecret?.reveal());
      keep('the encryption key', context.config.encryptionKeys[0]?.reveal());
      keep('the session secret', context.config.sessionSecrets[0]?.reveal());
      const connected = await context.integrations.list(hub.admin);
      expect(connected).to.have.length(3);
      for (const { id, platform } of connected) {
        const stored = await context.credentials.read(id);
        keep(`the access token of ${platform}`, stored?.accessToken.reveal());
        const refreshToken = stored?.refreshToken?.reveal() ?? '';
        // Microsoft's is a cache with several secrets in it.
        const inside = [...refreshToken.matchAll(/"secret":"([^"]+)"/g)].map((match) => match[1]);
        for (const [at, secret] of (inside.length > 0 ? inside : [refreshToken]).entries())
          keep(`refresh secret ${at} of ${platform}`, secret);
      }
      const integration = connected.find(({ platform }) => platform === 'google_drive');
      if (!integration) throw new Error('the account was not connected');

      // Failures are where secrets escape: errors of SDKs carry whole requests.
      for (const { state } of [sandbox.google, sandbox.microsoft, sandbox.dropbox])
        state.failNext(() => true, { status: 500, body: { error: 'broken' } }, 2);
      await visitor.get('/admin/browse');
      await visitor.fetch(`/api/v1/integrations/${integration.id}/files?folder_id=nonsense`);
      const { items } = await context.browse.list(hub.admin, integration.id, {});
      const elsewhere = await Promise.all(
        connected
          .filter(({ id }) => id !== integration.id)
          .map(async ({ id }) =>
            (await context.browse.list(hub.admin, id, {})).items.map(({ ref }) => ({ integrationId: id, ref })),
          ),
      );
      const { id } = await context.imports.create(hub.admin, {
        items: [...items.map(({ ref }) => ({ integrationId: integration.id, ref })), ...elsewhere.flat()],
      });
      await finishedImport(hub, id);
      await context.database.knex('integration_credentials').update({ expires_at: new Date(0) });
      sandbox.google.state.failNext((asked) => asked.includes('token'), {
        status: 400,
        body: { error: 'invalid_grant' },
      });
      await visitor.get('/admin/browse');
      expect((await context.integrations.get(hub.admin, integration.id)).status).to.equal('needs_reconnect');
      await connectGoogle(hub, hub.admin);

      const { rows: tables } = (await context.database.knex.raw(
        `select table_schema as schema, table_name as name from information_schema.tables
         where table_schema in ('public', 'pgboss') and table_type = 'BASE TABLE'`,
      )) as { rows: { schema: string; name: string }[] };
      const places = new Map<string, string>([['the log', hub.logs()]]);
      for (const { schema, name } of tables)
        places.set(
          `table ${name}`,
          JSON.stringify(await context.database.knex.withSchema(schema).from(name).select('*')),
        );
      expect(places.get('table documents')).to.contain('The harbour opens at six.');
      expect(hub.logs()).to.contain('GET /admin/browse 200');
      for (const [place, text] of places)
        for (const [name, secret] of secrets) expect(text.includes(secret), `${name} in ${place}`).to.equal(false);
    } finally {
      await hub.close();
      await rm(folder, { recursive: true });
    }
  });

  it('cannot come into the log by an error in which the database quotes what it could not take', async () => {
    const hub = await startHub({ database: await open() });
    try {
      const { database, logger } = hub.context;
      for (const [sql, value] of [
        ['select ?::uuid', 'a word of a document'],
        ['select ?::tsquery', 'two words\nof "another" document'],
      ] as const) {
        const error: unknown = await database.knex.raw(sql, [value]).then(
          () => expect.fail('it was taken'),
          (thrown: unknown) => thrown,
        );
        expect(String(error)).to.include('document');
        logger.error({ err: new Error('a search failed', { cause: error }) }, 'it failed');
      }
      expect(hub.logs()).to.include('invalid input syntax for type uuid: …').and.not.to.include('document');
    } finally {
      await hub.close();
    }
  });
});
