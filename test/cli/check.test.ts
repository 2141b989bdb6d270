import { readdirSync } from 'node:fs';
import net from 'node:net';
import { expect } from 'chai';
import { check } from '../../server/cli/check.ts';
import type { Finding } from '../../server/checks/finding.ts';
import { parseConfig, type Env } from '../../server/config.ts';
import { migrate, openDatabase } from '../../server/database/open.ts';
import { withDevSecrets } from '../../server/dev-secrets.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { createVault } from '../../server/vault/vault.ts';
import type { Secret } from '../../server/secret.ts';
import { databaseKinds, freshDatabaseEnv, mainKind } from '../helpers/database.ts';
import { SMTP_PASSWORD, startMailServer, WEBHOOK_SECRET } from '../helpers/receivers.ts';

for (const kind of databaseKinds)
  describe(`the setup checker (${kind})`, function () {
    this.timeout(120_000);
    let fresh: Awaited<ReturnType<typeof freshDatabaseEnv>>;

    beforeEach(async () => {
      fresh = await freshDatabaseEnv(kind);
    });
    afterEach(() => fresh.remove());

    async function run(env: Env = {}) {
      const result = await check({
        env: { ...fresh.env, ...env },
        stdin: process.stdin,
        stdout: process.stdout,
        stderr: process.stderr,
      });
      const { findings } = result.json as { findings: Finding[] };
      return {
        failed: result.failed,
        note: result.note,
        findings,
        lines: result.lines,
        about: (name: string) => findings.filter((finding) => finding.about === name),
      };
    }

    /** A port that nothing listens on. */
    async function closedPort(): Promise<number> {
      const server = net.createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as net.AddressInfo;
      await new Promise((resolve) => server.close(resolve));
      return port;
    }

    // What is the same on both is looked at on one.
    if (kind === mainKind) {
      it('finds nothing wrong with a fresh clone, and changes nothing by looking', async () => {
        const { failed, findings, about, lines, note } = await run();
        expect(failed).to.equal(false);
        expect(note).to.include('npm start').and.include('npm run demo');
        expect(findings.filter(({ level }) => level === 'fail')).to.deep.equal([]);
        expect(about('database')[0]).to.include({ level: 'ok' });
        expect(about('embedder')[0]?.message).to.include('dimensions');
        expect(about('sessions')[0]?.message).to.include('REDIS_URL is not set');
        expect(readdirSync(fresh.env.DATA_DIR)).to.deep.equal([]);
        for (const line of lines) expect(line).to.match(/^(ok {2}|warn|fail) {2}\S.*: \S/);
      });

      it('names the missing variables of Google Drive and the redirect URI to register', async () => {
        const off = await run({ PORT: '3456' });
        expect(off.about('Google Drive')[0]).to.include({ level: 'warn' });
        expect(off.about('Google Drive')[0]?.message)
          .to.include('GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET are not set')
          .and.include('http://localhost:3456/api/v1/integrations/google_drive/callback');
        const on = await run({
          BASE_URL: 'https://hub.example.com',
          GOOGLE_CLIENT_ID: 'an id',
          GOOGLE_CLIENT_SECRET: 'quite-a-secret',
        });
        expect(on.about('Google Drive')).to.have.length(1);
        expect(on.about('Google Drive')[0]).to.include({ level: 'ok' });
        expect(on.about('Google Drive')[0]?.message).to.include(
          'https://hub.example.com/api/v1/integrations/google_drive/callback',
        );
        expect(on.lines.join('\n')).not.to.include('quite-a-secret');
        const http = await run({
          BASE_URL: 'http://hub.example.com',
          GOOGLE_CLIENT_ID: 'an id',
          GOOGLE_CLIENT_SECRET: 'quite-a-secret',
        });
        expect(http.about('Google Drive')[0]).to.include({ level: 'warn' });
        expect(http.about('Google Drive')[0]?.message).to.include('https address');
      });

      it('names the redirect URIs of Confluence and Jira, which tokens connect without any variables', async () => {
        const off = await run({ PORT: '3456' });
        for (const [label, platform] of [
          ['Confluence', 'confluence'],
          ['Jira', 'jira'],
        ] as const) {
          expect(off.about(label)[0]).to.include({ level: 'ok' });
          expect(off.about(label)[0]?.message)
            .to.include('can be connected with a token')
            .and.include(`${label.toUpperCase()}_CLIENT_ID and ${label.toUpperCase()}_CLIENT_SECRET are not set`)
            .and.include(`http://localhost:3456/api/v1/integrations/${platform}/callback`);
        }
        const on = await run({ ATLASSIAN_CLIENT_ID: 'an id', ATLASSIAN_CLIENT_SECRET: 'quite-a-secret' });
        expect(on.about('Confluence')[0]?.message).to.match(/^is set up\./);
        expect(on.about('Jira')[0]?.message).to.match(/^is set up\./);
      });

      it('looks at the form of the Confluence account without asking anybody, and never prints its token', async () => {
        const account = {
          CONFLUENCE_BASE_URL: 'https://acme.atlassian.net/wiki',
          CONFLUENCE_USERNAME: 'hub@example.com',
          CONFLUENCE_API_TOKEN: 'ATATT-of-the-settings',
        };
        const right = await run(account);
        expect(right.about('Confluence account')[0]).to.include({ level: 'ok' });
        expect(right.about('Confluence account')[0]?.message)
          .to.include('hub@example.com')
          .and.include('https://acme.atlassian.net/wiki');
        const wrong = await run({
          ...account,
          CONFLUENCE_USERNAME: 'hub',
          CONFLUENCE_API_TOKEN: 'ATATT-of the-settings',
        });
        expect(wrong.failed).to.equal(true);
        expect(wrong.about('Confluence account')[0]).to.include({ level: 'fail' });
        expect(wrong.about('Confluence account')[0]?.message)
          .to.include('CONFLUENCE_USERNAME')
          .and.include('CONFLUENCE_API_TOKEN');
        const http = await run({ ...account, CONFLUENCE_BASE_URL: 'http://wiki.example.com' });
        expect(http.about('Confluence account')[0]).to.include({ level: 'warn' });
        const { failed, about } = await run({ CONFLUENCE_USERNAME: 'hub@example.com' });
        expect(failed).to.equal(true);
        expect(about('CONFLUENCE_BASE_URL, CONFLUENCE_USERNAME and CONFLUENCE_API_TOKEN')).to.have.length(1);
        expect((await run()).about('Confluence account')).to.deep.equal([]);
        for (const { lines } of [right, wrong, http]) expect(lines.join('\n')).not.to.include('ATATT');
      });

      it('signs in to the mail server and sends nothing, and looks at the form of the webhook only', async () => {
        const off = await run();
        for (const name of ['mail', 'webhook']) expect(off.about(name)[0], name).to.include({ level: 'ok' });
        const mail = await startMailServer();
        try {
          const hook = { WEBHOOK_URL: 'https://hooks.example.com/key-of-the-address', WEBHOOK_SECRET };
          const on = await run({ ...mail.env, ...hook });
          expect(on.about('mail')[0]).to.deep.equal({
            level: 'ok',
            about: 'mail',
            message: 'is sent by 127.0.0.1, from hub@example.com, which answers',
          });
          expect(on.about('webhook')[0]).to.include({ level: 'ok' });
          expect(on.about('webhook')[0]?.message).to.include('https://hooks.example.com;');
          expect(mail.mails).to.deep.equal([]);
          const wrong = await run({
            ...mail.env,
            ...hook,
            SMTP_URL: mail.env.SMTP_URL?.replace('hub:', 'nobody:'),
            WEBHOOK_URL: 'http://hooks.example.com/key-of-the-address',
          });
          expect(wrong.failed).to.equal(true);
          expect(wrong.about('mail')[0]?.message).to.include('refused the user name or password of SMTP_URL');
          expect(wrong.about('webhook')[0]).to.include({ level: 'warn' });
          for (const { lines } of [on, wrong])
            for (const secret of [
              SMTP_PASSWORD,
              encodeURIComponent(SMTP_PASSWORD),
              WEBHOOK_SECRET,
              'key-of-the-address',
            ])
              expect(lines.join('\n')).not.to.include(secret);
        } finally {
          await mail.close();
        }
        const away = await run({ SMTP_URL: `smtp://127.0.0.1:${await closedPort()}`, MAIL_FROM: 'hub@example.com' });
        expect(away.about('mail')[0]).to.include({ level: 'fail' });
        expect(away.about('mail')[0]?.message).to.include('could not be reached');
      });

      it('fails with one line for each problem of the configuration', async () => {
        const { failed, about, note } = await run({ PORT: 'x', NODE_ENV: 'production', SANDBOX: '1' });
        expect(failed).to.equal(true);
        expect(note).to.include('check again');
        for (const name of ['PORT', 'SESSION_SECRET', 'INTEGRATION_ENCRYPTION_KEY', 'SANDBOX'])
          expect(about(name)[0], name).to.include({ level: 'fail' });
        expect(about('the rest')).to.have.length(1);
      });

      it('tells waiting migrations from an up-to-date schema, and tries the index', async () => {
        await (await openDatabase(parseConfig(fresh.env))).close();
        const before = await run();
        expect(before.failed).to.equal(false);
        expect(before.about('schema')[0]?.message).to.include('20261121090000_create_tables');
        const database = await openDatabase(parseConfig(fresh.env));
        await migrate(database);
        await database.close();
        const after = await run();
        expect(after.about('schema')[0]).to.include({ level: 'ok' });
        expect(after.about('index')[0]).to.include({ level: 'ok' });
        expect(after.about('index')[0]?.message).to.include('pgvector');
      });

      it('says which embedder search uses, where that is not the configured one, and how far the change is', async () => {
        const database = await openDatabase(parseConfig(fresh.env));
        await migrate(database);
        await database.knex('search_embedder').insert({ active: 'models.example.com/former/256' });
        await database.close();
        const told = async () => (await run()).about('embedder change');
        const [before] = await told();
        expect(before).to.include({ level: 'warn' });
        expect(before?.message).to.include('search uses former at models.example.com (256 numbers)');

        const again = await openDatabase(parseConfig(fresh.env));
        await again.knex('search_embedder').update({ target: 'lexical-1024-v1', done: 1200, total: 3000 });
        await again.close();
        expect((await told())[0]?.message).to.equal(
          'search is moving from former at models.example.com (256 numbers) to the built-in embedder: 1,200 of 3,000 passages',
        );
        const last = await openDatabase(parseConfig(fresh.env));
        await last.knex('search_embedder').update({ active: 'lexical-1024-v1', target: null });
        await last.close();
        expect(await told()).to.deep.equal([]);
      });

      it('fails when stored grants do not open with the keys', async () => {
        const { config } = withDevSecrets(parseConfig(fresh.env));
        const database = await openDatabase(config);
        await migrate(database);
        const [user] = (await database
          .knex('users')
          .insert({ email: 'ada@example.com', name: 'Ada', role: 'admin', password_hash: '-' })
          .returning('id')) as { id: string }[];
        const [integration] = (await database
          .knex('user_integrations')
          .insert({ user_id: user?.id, platform: 'google_drive', account_id: '1' })
          .returning('id')) as { id: string }[];
        await database.knex('integration_credentials').insert({
          integration_id: integration?.id,
          sealed: createVault(config.encryptionKeys).seal('{}', 'x'),
          expires_at: new Date(),
        });
        await database.close();

        const right = await run();
        expect(right.failed).to.equal(false);
        expect(right.about('INTEGRATION_ENCRYPTION_KEY')[0]?.message).to.include('opens 1 stored grant');
        const wrong = await run({ INTEGRATION_ENCRYPTION_KEY: generateFernetKey() });
        expect(wrong.failed).to.equal(true);
        expect(wrong.about('INTEGRATION_ENCRYPTION_KEY')[0]?.message).to.include(
          '1 of 1 stored grants cannot be opened',
        );
        const old = config.encryptionKeys.map((key: Secret) => key.reveal()).join(',');
        const rotated = await run({ INTEGRATION_ENCRYPTION_KEY: `${generateFernetKey()},${old}` });
        expect(rotated.failed).to.equal(false);
      });

      it('fails when Postgres or Redis do not answer, without showing their passwords', async () => {
        const port = await closedPort();
        const { failed, about, lines } = await run({
          DATABASE_URL: `postgres://hub:pg-secret@127.0.0.1:${port}/hub`,
          REDIS_URL: `redis://hub:redis-secret@127.0.0.1:${port}`,
        });
        expect(failed).to.equal(true);
        expect(about('database')[0]).to.include({ level: 'fail' });
        expect(about('database')[0]?.message).to.include('ECONNREFUSED');
        expect(about('sessions')[0]).to.include({ level: 'fail' });
        expect(lines.join('\n')).not.to.include('pg-secret').and.not.to.include('redis-secret');
      });
    }

    it('works beside a running hub on a server, and on the embedded database warns without failing', async () => {
      const running = await openDatabase(parseConfig(fresh.env));
      try {
        const { failed, about } = await run();
        expect(failed).to.equal(false);
        if (kind === 'postgres') return expect(about('database')[0]).to.include({ level: 'ok' });
        expect(about('database')[0]).to.include({ level: 'warn' });
        expect(about('database')[0]?.message).to.include('a running hub has it open');
      } finally {
        await running.close();
      }
    });
  });
