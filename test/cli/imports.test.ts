import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { Env } from '../../server/config.ts';
import { startSandbox, type Sandbox } from '../../server/sandbox.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { SOURCE, startCommand } from '../helpers/command.ts';
import { consent } from '../helpers/connect.ts';
import { databaseKinds, freshDatabaseEnv } from '../helpers/database.ts';
import { freePort } from '../helpers/free-port.ts';
import { startGate, type Gate } from '../helpers/gate.ts';
import { bundleHub, startHubProcess, type Bundle, type HubProcess } from '../helpers/hub-process.ts';
import { waitFor } from '../helpers/wait.ts';

const EMAIL = 'ada@example.com';

for (const kind of databaseKinds)
  describe(`importing from the command line (${kind})`, function () {
    this.timeout(120_000);
    let folder: string;
    let bundle: Bundle;
    let sandbox: Sandbox;
    /** Holds back what is downloaded, once it is told to. */
    let gate: Gate;
    let fresh: Awaited<ReturnType<typeof freshDatabaseEnv>>;
    let env: Env;
    let hub: HubProcess | undefined;
    let token: string;
    /** Ids of the drive, of a folder in it, and of a file. */
    let drive: string;
    let later: string;
    let handbook: string;

    before(async () => {
      folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-cli-'));
      await writeFile(path.join(folder, 'Handbook.txt'), 'Lost umbrellas are kept for ninety days in locker 17.\n');
      await writeFile(path.join(folder, 'Budget.txt'), 'The budget of the quay is 41,500 crowns.\n');
      await mkdir(path.join(folder, 'Later'));
      await writeFile(path.join(folder, 'Later', 'Timetable.txt'), 'The ferry leaves at nine.\n');
      [bundle, sandbox, fresh] = await Promise.all([
        bundleHub(),
        startSandbox({ filesDir: folder }),
        freshDatabaseEnv(kind),
      ]);
      gate = await startGate(sandbox.google.url);
      const port = await freePort();
      env = {
        ...sandbox.env,
        ...fresh.env,
        GOOGLE_API_URL: gate.url,
        HOST: '127.0.0.1',
        PORT: String(port),
        BASE_URL: `http://127.0.0.1:${port}`,
        SESSION_SECRET: 'a secret that all processes share',
        INTEGRATION_ENCRYPTION_KEY: generateFernetKey(),
      };
    });
    after(async () => {
      await hub?.stop();
      await gate.close();
      await sandbox.close();
      await fresh.remove();
      await bundle.remove();
      await rm(folder, { recursive: true, force: true });
    });

    const command = (args: string[], more: Env = {}) => startCommand([bundle.cli], args, { ...env, ...more });
    const run = (args: string[], more: Env = {}) => command(args, more).ended;
    /** As a person runs it beside the running hub: with the embedded database through that hub, which asks for a token. */
    const startBeside = (args: string[]) => command(args, kind === 'embedded' ? { TRIBUTARY_TOKEN: token } : {});
    const beside = (args: string[]) => startBeside(args).ended;
    const json = async (ended: ReturnType<typeof run>, code = 0) => {
      const { stdout, stderr, code: found } = await ended;
      expect(found, stderr).to.equal(code);
      expect(stdout.trim().split('\n')).to.have.length(1);
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    const call = async <T>(route: string): Promise<T> => {
      const response = await fetch(`${env.BASE_URL}/api/v1${route}`, { headers: { authorization: `Bearer ${token}` } });
      return (await response.json()) as T;
    };
    const filesOf = async (folderId: string) =>
      (
        await call<{ files: { id: string; name: string }[] }>(
          `/integrations/google_drive/files?folder_id=${encodeURIComponent(folderId)}`,
        )
      ).files;
    const finished = (id: string) =>
      waitFor('the import to finish', async () => {
        const { status } = await call<{ status: string }>(`/imports/${id}`);
        return status === 'finished';
      });
    const startHub = async () => {
      hub = startHubProcess(bundle, env);
      await hub.ready;
    };

    it('makes a user and a token, and connects an account', async () => {
      const create = ['user', 'create', '--email', EMAIL, '--name', 'Ada', '--role', 'admin'];
      const user = await startCommand(SOURCE, create, env).ended;
      expect(user.code, user.stderr).to.equal(0);
      const made = await json(run(['token', 'create', '--email', EMAIL, '--name', 'cron', '--json']));
      token = String(made.token);
      const early = await run(['import', 'google_drive', 'x']);
      expect(early.code).to.equal(1);
      expect(early.stderr).to.include('No account is connected yet');
      await startHub();
      const { url } = await call<{ url: string }>('/integrations/google_drive/connect?format=json');
      const back = await consent(url, 'Allow');
      expect(await call(`/integrations/google_drive/callback${back.search}`)).to.include({ success: true });
      drive = (await filesOf('root')).find(({ name }) => name === 'My Drive')?.id ?? '';
      const inDrive = await filesOf(drive);
      later = inDrive.find(({ name }) => name === 'Later')?.id ?? '';
      handbook = inDrive.find(({ name }) => name === 'Handbook.txt')?.id ?? '';
    });

    it('imports beside a running hub, and says what came of it', async () => {
      const { code, stdout, stderr } = await beside([
        'import',
        'google_drive',
        drive,
        '--category',
        'Harbour',
        '--no-recursive',
      ]);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(/^The import is finished: 2 indexed\.\n$/);
      const again = await json(beside(['import', 'google_drive', handbook, '--json']));
      expect(again).to.include({ success: true, kind: 'import', status: 'finished', platform: 'google_drive' });
      expect(again.counts).to.include({ total: 1, unchanged: 1 });
      expect(again.url).to.equal(`${env.BASE_URL}/admin/imports/${String(again.importId)}`);
    });

    it('syncs an account, and all of them', async () => {
      const one = await beside(['sync', 'google_drive']);
      expect(one.code, one.stderr).to.equal(0);
      expect(one.stdout).to.match(/^The sync is finished: /);
      const all = await json(beside(['sync', '--json']));
      expect(all).to.include({ success: true });
      expect(all.refused).to.deep.equal([]);
      expect(all.syncs).to.have.length(1);
    });

    it('searches', async () => {
      const { code, stdout, stderr } = await beside(['search', 'lost', 'umbrellas']);
      expect(code, stderr).to.equal(0);
      expect(stdout)
        .to.match(/^1\. Handbook\.txt\n {3}My Drive\/Handbook\.txt/)
        .and.include('locker 17');
      const found = await json(
        beside(['search', 'umbrellas', '--json', '--limit', '1', '--mode', 'keyword', '--platform', 'google_drive']),
      );
      expect(found.results).to.have.length(1);
      const none = await beside(['search', 'xylophone', '--mode', 'keyword']);
      expect(none).to.include({ code: 0, stdout: 'Nothing was found.\n' });
    });

    it('ends with 1 when an item failed, and says why', async () => {
      const { code, stdout } = await beside(['import', 'google_drive', 'no-such-file']);
      expect(code).to.equal(1);
      expect(stdout).to.match(/1 failed\.\n(.*\n)?failed {2}.*: \S/);
      const told = await json(beside(['import', 'google_drive', 'no-such-file', '--json']), 1);
      expect(told).to.include({ success: false, status: 'finished' });
      expect(told.failed).to.have.length(1);
    });

    it('ends with 1 for an account, a token or a user that is not there', async () => {
      const unknown = await beside(['import', 'dropbox', 'x']);
      expect(unknown).to.include({ code: 1, stdout: '' });
      expect(unknown.stderr).to.include('called “dropbox”').and.include('google_drive (');
      const stranger = await run(['search', 'umbrellas'], { TRIBUTARY_TOKEN: `${token}x` });
      expect(stranger.code).to.equal(1);
      expect(stranger.stderr).to.include('API token is not known').and.not.include(token);
      const nobody = await run(['search', 'umbrellas', '--email', 'nobody@example.com', '--json']);
      expect(nobody).to.include({ code: 1, stdout: '' });
      const { error } = JSON.parse(nobody.stderr) as { error: string };
      expect(error).to.include(kind === 'postgres' ? 'There is no user nobody@example.com' : 'TRIBUTARY_TOKEN');
    });

    it('does the work itself where no hub runs', async () => {
      await hub?.stop();
      hub = undefined;
      const { code, stdout, stderr } = await run(['import', 'google_drive', handbook]);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.include('The import is finished: 1 unchanged.\n');
      if (kind === 'postgres') expect(stderr).to.include('No worker has begun with it');
      const found = await run(['search', 'umbrellas']);
      expect(found.stdout).to.include('locker 17');
    });

    it('begins without waiting, and the next hub does it', async () => {
      const begun = await json(run(['import', 'google_drive', handbook, '--no-wait', '--json']));
      expect(begun).to.include({ status: 'running' }).and.not.have.property('success');
      await startHub();
      await finished(String(begun.importId));
    });

    it('stops following at Ctrl-C, and says that the import goes on and where it is cancelled', async () => {
      const timetable = (await filesOf(later)).find(({ name }) => name === 'Timetable.txt')?.id ?? '';
      gate.allow(gate.passed());
      const following = startBeside(['import', 'google_drive', timetable]);
      await waitFor('a line of progress', () => following.stderr().includes('0 of 1'));
      following.interrupt();
      const { code, stdout, stderr } = await following.ended;
      expect(code).to.equal(130);
      expect(stdout).to.equal('');
      const id = /goes on without this command\. Follow or cancel it: http\S+\/admin\/imports\/(\S+)/.exec(stderr)?.[1];
      gate.allow(Infinity);
      await finished(id ?? '');
    });
  });
