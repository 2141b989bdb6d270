import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { root } from '../docs/markdown.ts';
import { freePort } from '../helpers/free-port.ts';
import { PASSWORD } from '../helpers/hub.ts';
import { waitFor } from '../helpers/wait.ts';
import { stagesOf } from './dockerfile.ts';

/** Builds and copies for a minute: PROOFS=all asks for it. */
const proofs = process.env.PROOFS === 'all' ? describe : () => undefined;

proofs('what the Dockerfile makes, made without an engine', function () {
  this.timeout(600_000);
  let folder: string;
  const at = (...names: string[]) => path.join(folder, ...names);
  const [, build, hub] = stagesOf(readFileSync(path.join(root, 'Dockerfile'), 'utf8'));

  /** As COPY does: to a folder where the last word ends with a slash. */
  async function copy(words: string[], from: string, to: string): Promise<void> {
    const target = words.at(-1) ?? '';
    for (const source of words.slice(0, -1)) {
      const name = source.replace(/^\/hub\//, '');
      const isFolder = !path.extname(name);
      const place =
        isFolder || !target.endsWith('/') ? path.join(to, target) : path.join(to, target, path.basename(name));
      await mkdir(path.dirname(place), { recursive: true });
      await cp(path.join(from, name), target === './' ? path.join(to, name) : place, { recursive: true });
    }
  }

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-image-'));
    for (const stage of ['packages', 'build', 'hub']) await mkdir(at(stage));
    // npm ci: all packages for the build, and those for the run copied, so that no other is found.
    await symlink(path.join(root, 'node_modules'), at('build', 'node_modules'));
    const lock = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; devOptional?: boolean }>;
    };
    const needed = Object.entries(lock.packages).filter(
      ([name, { dev }]) => name !== '' && !dev && name.lastIndexOf('node_modules') === 0,
    );
    expect(needed.length).to.be.greaterThan(100);
    for (const [name] of needed)
      await cp(path.join(root, name), at('packages', name), { recursive: true }).catch(
        (error: NodeJS.ErrnoException) => {
          // Packages for other systems are not installed here.
          if (error.code !== 'ENOENT') throw error;
        },
      );
    for (const { keyword, words, text } of build!.instructions) {
      if (keyword === 'COPY') await copy(words, root, at('build'));
      if (keyword !== 'RUN' || /npm ci/.test(text)) continue;
      const done = spawnSync(text, { cwd: at('build'), shell: true, encoding: 'utf8' });
      expect(done.status, done.stdout + done.stderr).to.equal(0);
    }
    for (const { keyword, words, from } of hub!.instructions)
      if (keyword === 'COPY') await copy(words, from === undefined ? root : at(from), at('hub'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('starts without what the build needed, is healthy, runs commands, and ends at its signal', async () => {
    const { PATH, HOME } = process.env;
    const port = String(await freePort());
    const env = {
      ...{ PATH, HOME, NODE_ENV: 'production', PORT: port, DATA_DIR: at('data') },
      SESSION_SECRET: 'a secret of sixteen characters',
      INTEGRATION_ENCRYPTION_KEY: generateFernetKey(),
      ADMIN_EMAIL: 'admin@example.com',
      ADMIN_PASSWORD: PASSWORD,
    };
    const command = hub!.instructions.find(({ keyword }) => keyword === 'CMD')?.text ?? '[]';
    const [, check = '[]'] =
      /CMD (\[.*\])$/.exec(hub!.instructions.find(({ keyword }) => keyword === 'HEALTHCHECK')?.text ?? '') ?? [];
    const probe = () => {
      const [program = '', ...args] = JSON.parse(check) as string[];
      return spawnSync(program, args, { cwd: at('hub'), env }).status;
    };
    expect(probe()).to.equal(1);

    const [program = '', ...args] = JSON.parse(command) as string[];
    const child = spawn(program, args, { cwd: at('hub'), env, stdio: ['ignore', 'pipe', 'pipe'] });
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (part: Buffer) => (printed += part.toString()));
    try {
      await waitFor(
        'the hub to be ready',
        () => {
          if (child.exitCode !== null) throw new Error(printed);
          return printed.includes('Tributary is ready');
        },
        120_000,
      );
      expect(probe()).to.equal(0);
      expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).to.equal(200);
      const page = await fetch(`http://127.0.0.1:${port}/sign-in`);
      expect(await page.text()).to.include('Sign in');
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      expect((await exit)[0]).to.equal(0);
    } finally {
      child.kill('SIGKILL');
    }
    const done = spawnSync(process.execPath, ['dist/server/cli/main.js', 'migrate'], {
      cwd: at('hub'),
      env,
      encoding: 'utf8',
    });
    expect(done.stdout).to.equal('The schema is up to date.\n');
  });
});
