import { readdirSync } from 'node:fs';
import { PassThrough, Readable, Writable } from 'node:stream';
import { expect } from 'chai';
import { runCli } from '../../server/cli/run.ts';
import type { Env } from '../../server/config.ts';
import { parseConfig } from '../../server/config.ts';
import { openDatabase } from '../../server/database/open.ts';
import { createLogger } from '../../server/logger.ts';
import { createTokenService } from '../../server/services/token-service.ts';
import { createUserService } from '../../server/services/user-service.ts';
import { listAuditEntries } from '../../server/stores/audit-store.ts';
import { createVault } from '../../server/vault/vault.ts';
import { databaseKinds, freshDatabaseEnv, mainKind } from '../helpers/database.ts';

const PASSWORD = 'a long enough password';

for (const kind of databaseKinds)
  describe(`the command line (${kind})`, function () {
    this.timeout(120_000);
    let fresh: Awaited<ReturnType<typeof freshDatabaseEnv>>;

    before(async () => {
      fresh = await freshDatabaseEnv(kind);
    });
    after(() => fresh.remove());

    /** Runs one command in this process. `typed` is what standard input holds; `terminal` says that a person sits there. */
    async function hub(args: string[], options: { typed?: string; terminal?: boolean; env?: Env } = {}) {
      const out: string[] = [];
      const errors: string[] = [];
      const sink = (into: string[]) =>
        new Writable({
          write(chunk: Buffer, _encoding, done) {
            into.push(chunk.toString());
            done();
          },
        });
      const stdin: Readable & { isTTY?: boolean } = options.terminal
        ? new PassThrough()
        : Readable.from([options.typed ?? '']);
      if (options.terminal) {
        stdin.isTTY = true;
        (stdin as PassThrough).write(options.typed ?? '');
      }
      const code = await runCli(args, {
        env: { ...fresh.env, ...options.env },
        stdin,
        stdout: sink(out),
        stderr: sink(errors),
      });
      return { code, stdout: out.join(''), stderr: errors.join('') };
    }

    const open = () => openDatabase(parseConfig(fresh.env));

    async function signIn(email: string, password: string) {
      const database = await open();
      try {
        return await createUserService({ database, logger: createLogger({ logLevel: 'silent' }) }).authenticate(
          email,
          password,
        );
      } finally {
        await database.close();
      }
    }

    // What is the same on both is looked at on one.
    if (kind === mainKind) {
      it('prints its commands when called with none or with help', async () => {
        for (const args of [[], ['help'], ['--help'], ['user', 'create', '--help']]) {
          const { code, stdout, stderr } = await hub(args);
          expect(code, args.join(' ')).to.equal(0);
          expect(stdout).to.include('user create').and.include('keys generate');
          expect(stderr).to.equal('');
        }
      });

      it('answers a wrong call with exit code 2 and says what is wrong', async () => {
        const wrong: [string[], string][] = [
          [['usr', 'create'], 'There is no command "usr create"'],
          [['toString'], 'There is no command'],
          [['--json'], 'The command is missing'],
          [['migrate', '--force'], "Unknown option '--force'"],
          [['user', 'create', '--name', 'Ada'], '--email is missing'],
          [['user', 'create', '--email', 'ada@example.com', '--name', 'Ada', '--role', 'king'], '--role must be'],
          [['token', 'create', '--email', 'ada@example.com', '--name', 'x', '--days', '0'], '--days must be'],
          [['import'], 'The account is missing'],
          [['import', 'google_drive'], 'The ids of files or folders are missing'],
          [['import', 'google_drive', 'x', '--category', 'c'.repeat(101)], 'category: must have at most 100'],
          [['sync', 'google_drive', 'jira'], 'Name one account'],
          [['search'], 'The words to search for are missing'],
          [['search', 'x', '--limit', '51'], 'limit: must be from 1 to 50'],
          [['search', 'x', '--limit', 'ten'], '--limit must be a whole number'],
          [['search', 'x', '--mode', 'best'], 'mode: must be one of'],
          [['search', 'x', '--platform', 'ftp'], 'platform: must be one of'],
        ];
        for (const [args, message] of wrong) {
          const { code, stdout, stderr } = await hub(args);
          expect(code, args.join(' ')).to.equal(2);
          expect(stderr).to.include(message);
          expect(stdout).to.equal('');
        }
        expect(readdirSync(fresh.env.DATA_DIR), 'nothing was opened').to.deep.equal([]);
      });

      it('tells of one command what it takes, option by option', async () => {
        for (const [command, ...told] of [
          ['import', '<account> <file id…>', '--category C', '--no-wait', 'TRIBUTARY_TOKEN', 'Ctrl-C'],
          ['sync', '[account]', '--email E', 'running hub'],
          ['search', '<words…>', '--mode M', '--json'],
          ['user create', '--role admin|member'],
        ] as const)
          for (const args of [
            [...command.split(' '), '--help'],
            ['help', ...command.split(' ')],
          ]) {
            const { code, stdout, stderr } = await hub(args);
            expect(code, command).to.equal(0);
            expect(stdout).to.match(new RegExp(`^Usage: npm run hub -- ${command} `));
            for (const words of told) expect(stdout).to.include(words);
            expect(stderr).to.equal('');
          }
      });

      it('never takes a password as an argument, and does not repeat one', async () => {
        const call = ['user', 'create', '--email', 'ada@example.com', '--name', 'Ada'];
        for (const extra of [['--password', PASSWORD], [`--password=${PASSWORD}`], ['--role', 'member', PASSWORD]]) {
          const { code, stdout, stderr } = await hub([...call, ...extra]);
          expect(code).to.equal(2);
          expect(stdout + stderr).not.to.include(PASSWORD);
        }
      });

      it('makes keys that the hub takes, different ones each time', async () => {
        const first = await hub(['keys', 'generate']);
        const second = await hub(['keys', 'generate', '--json']);
        const lines = Object.fromEntries(
          first.stdout
            .trim()
            .split('\n')
            .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
        ) as Env;
        const config = parseConfig({ NODE_ENV: 'production', ...lines });
        expect(
          createVault(config.encryptionKeys).open(createVault(config.encryptionKeys).seal('x', 'y'), 'y'),
        ).to.equal('x');
        const json = JSON.parse(second.stdout) as Env;
        expect(Object.keys(json)).to.deep.equal(Object.keys(lines));
        expect(Object.values(json)).not.to.have.members(Object.values(lines));
      });

      it('applies migrations once and says which', async () => {
        const first = await hub(['migrate', '--json']);
        expect(first.code, first.stderr).to.equal(0);
        const { applied } = JSON.parse(first.stdout) as { applied: string[] };
        expect(applied[0]).to.equal('20261121090000_create_tables');
        const second = await hub(['migrate']);
        expect(second.code).to.equal(0);
        expect(second.stdout).to.equal('The schema is up to date.\n');
      });

      it('creates users with a password from standard input, a typed one or a generated one', async () => {
        const piped = await hub(
          ['user', 'create', '--email', 'ada@example.com', '--name', 'Ada', '--role', 'admin', '--password-stdin'],
          { typed: `${PASSWORD}\n` },
        );
        expect(piped.code, piped.stderr).to.equal(0);
        expect(piped.stdout).to.equal('Created admin ada@example.com.\n');
        expect(await signIn('ada@example.com', PASSWORD)).to.include({ role: 'admin', name: 'Ada' });

        const typed = await hub(['user', 'create', '--email', 'bo@example.com', '--name', 'Bo'], {
          terminal: true,
          typed: `${PASSWORD} typed\n${PASSWORD} typed\n`,
        });
        expect(typed.code, typed.stderr).to.equal(0);
        expect(typed.stdout + typed.stderr).not.to.include(PASSWORD);
        expect(await signIn('bo@example.com', `${PASSWORD} typed`)).to.include({ role: 'member' });

        const made = await hub(['user', 'create', '--email', 'cy@example.com', '--name', 'Cy', '--json']);
        expect(made.code, made.stderr).to.equal(0);
        const { password } = JSON.parse(made.stdout) as { password: string };
        expect(await signIn('cy@example.com', password)).to.include({ email: 'cy@example.com' });
      });

      it('creates no user when the password is short, differs, is missing, or the address is taken', async () => {
        const call = ['user', 'create', '--email', 'dee@example.com', '--name', 'Dee'];
        const short = await hub([...call, '--password-stdin'], { typed: 'short\n' });
        expect(short).to.include({ code: 1, stdout: '' });
        expect(short.stderr).to.include('12 characters');
        const none = await hub([...call, '--password-stdin'], { typed: '' });
        expect(none.code).to.equal(1);
        expect(none.stderr).to.include('No password came');
        const differing = await hub(call, { terminal: true, typed: `${PASSWORD}\nanother long password\n` });
        expect(differing.code).to.equal(1);
        expect(differing.stderr).to.include('differ');
        expect((await hub(call)).code).to.equal(0);
        const again = await hub([...call, '--json']);
        expect(again).to.include({ code: 1, stdout: '' });
        expect((JSON.parse(again.stderr) as { error: string }).error).to.include('exists already');
      });

      it('creates an API token that works and prints nothing else on standard output', async () => {
        await hub(['user', 'create', '--email', 'eve@example.com', '--name', 'Eve']);
        const call = ['token', 'create', '--email', 'EVE@example.com', '--name', 'backup', '--days', '30'];
        const { code, stdout, stderr } = await hub(call);
        expect(code, stderr).to.equal(0);
        expect(stderr).to.include('eve@example.com').and.include('valid until 2');
        const database = await open();
        try {
          const tokens = createTokenService({ database });
          const user = await tokens.authenticate(stdout.trim());
          expect(user).to.include({ email: 'eve@example.com' });
          const [token] = user ? await tokens.list(user) : [];
          expect(token?.expiresAt?.getTime()).to.be.closeTo(Date.now() + 30 * 24 * 3600 * 1000, 60_000);
          const { entries } = await listAuditEntries(database.knex, { who: 'eve@example.com' }, { limit: 10 });
          expect(entries.map(({ action, actor }) => [action, actor.kind])).to.deep.equal([
            ['token_created', 'operator'],
            ['user_created', 'operator'],
          ]);
          expect(JSON.stringify(entries)).not.to.include(stdout.trim());
        } finally {
          await database.close();
        }
        const nobody = await hub(['token', 'create', '--email', 'nobody@example.com', '--name', 'backup']);
        expect(nobody.code).to.equal(1);
        expect(nobody.stderr).to.include('There is no user nobody@example.com');
      });

      it('lists every problem of the configuration when there are any', async () => {
        const { code, stderr } = await hub(['migrate'], { env: { PORT: 'x', ROLE: 'king' } });
        expect(code).to.equal(1);
        expect(stderr).to.include('PORT').and.include('ROLE');
      });
    }

    it('works beside a running hub on a server, and on the embedded database says what to do', async () => {
      const running = await open();
      try {
        const { code, stderr, stdout } = await hub(['migrate']);
        if (kind === 'postgres') return expect(code, stderr).to.equal(0);
        expect(code).to.equal(1);
        expect(stdout).to.equal('');
        expect(stderr).to.include('open in a running hub').and.include('Stop the hub');
      } finally {
        await running.close();
      }
    });
  });
