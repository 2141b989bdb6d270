import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { parseConfig, type Env } from '../../server/config.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { root } from '../docs/markdown.ts';
import { notRun } from '../helpers/requirements.ts';
import { isIgnored, stagesOf } from './dockerfile.ts';

const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');
const stages = stagesOf(read('Dockerfile'));
const last = stages.at(-1)!;
const hubVariables = new Set([...read('.env.example').matchAll(/^([A-Z_]+)=$/gm)].map(([, name = '']) => name));

describe('the Dockerfile', () => {
  it('builds on one pinned image, and copies from stages that come before', () => {
    expect(stages.map(({ name }) => name)).to.deep.equal(['packages', 'build', 'hub']);
    for (const [at, { image, instructions }] of stages.entries()) {
      expect(image).to.match(/^node:(20|22)\.\d+\.\d+-bookworm-slim$/);
      for (const { from } of instructions)
        if (from !== undefined) expect(stages.slice(0, at).map(({ name }) => name)).to.include(from);
    }
    const [, major = 0, minor = 0] = /node:(\d+)\.(\d+)/.exec(last.image) ?? [];
    const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
    const [, least = 0, leastMinor = 0] = /^>=(\d+)\.(\d+)$/.exec(engines.node) ?? [];
    expect(Number(major) * 1000 + Number(minor)).to.be.at.least(Number(least) * 1000 + Number(leastMinor));
  });

  it('copies what is in the repository and not kept out of the build', () => {
    const ignored = read('.dockerignore');
    const copied = stages.flatMap(({ instructions }) =>
      instructions.filter(({ keyword, from }) => keyword === 'COPY' && from === undefined),
    );
    expect(copied.length).to.be.greaterThan(8);
    for (const source of copied.flatMap(({ words }) => words.slice(0, -1))) {
      expect(existsSync(path.join(root, source)), source).to.equal(true);
      expect(isIgnored(ignored, source), source).to.equal(false);
    }
    // What must not get into an image.
    for (const source of ['.env', 'data', 'node_modules', '.git', 'test'])
      expect(isIgnored(ignored, source), source).to.equal(true);
    // What the build reads is there.
    const build = stages[1]!.instructions.filter(({ keyword }) => keyword === 'COPY').flatMap(({ words }) => words);
    const { include } = JSON.parse(read('tsconfig.build.json')) as { include: string[] };
    for (const part of [...include, 'tsconfig.json', 'tsconfig.build.json', 'views', 'public', 'scripts/build.mjs'])
      expect(build).to.include(part);
  });

  it('runs the hub itself, as nobody in particular, with a health check and a volume', () => {
    const one = (keyword: string) => {
      const found = last.instructions.filter((instruction) => instruction.keyword === keyword);
      expect(found, keyword).to.have.length(1);
      return found[0]!;
    };
    expect(one('USER').text).to.equal('node');
    expect(one('STOPSIGNAL').text).to.equal('SIGTERM');
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect((JSON.parse(one('CMD').text) as string[]).join(' ')).to.equal(scripts.start);
    expect(existsSync(path.join(root, 'server/main.ts'))).to.equal(true);
    const [, check = ''] = /CMD (\[.*\])$/.exec(one('HEALTHCHECK').text) ?? [];
    const [program, script = ''] = JSON.parse(check) as string[];
    expect(program).to.equal('node');
    expect(last.instructions.some(({ keyword, words }) => keyword === 'COPY' && words.includes(script))).to.equal(true);
    const environment = Object.fromEntries(one('ENV').words.map((pair) => pair.split('=') as [string, string]));
    for (const name of Object.keys(environment)) expect(hubVariables.has(name), name).to.equal(true);
    expect(environment).to.include({ NODE_ENV: 'production', DATA_DIR: one('VOLUME').text });
    expect(one('EXPOSE').words).to.deep.equal([environment.PORT, environment.METRICS_PORT]);
  });

  it('installs for the run every package that the program loads', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    const loaded = new Set(importsOf(['server', 'providers', 'migrations']));
    expect(loaded.size).to.be.greaterThan(20);
    // The loader of TypeScript is asked for where the program runs from its source.
    expect([...loaded].filter((name) => !(name in dependencies))).to.deep.equal(['tsx']);
  });
});

/** Packages that the sources load while they run. */
function importsOf(folders: string[]): string[] {
  const listed = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...folders], {
    cwd: root,
    encoding: 'utf8',
  });
  const files = listed.stdout
    .split('\n')
    .filter((name) => /\.(ts|mjs)$/.test(name) && existsSync(path.join(root, name)));
  return files.flatMap((name) =>
    [
      ...read(name).matchAll(
        /^(?:import|export) (?!type\b)[^;]*?from '([\w@][\w@/.-]*)'|import\('([\w@][\w@/.-]*)'\)/gm,
      ),
    ]
      .map(([, still, later]) => still ?? later ?? '')
      .filter((spec) => !spec.startsWith('node:'))
      .map((spec) =>
        spec
          .split('/')
          .slice(0, spec.startsWith('@') ? 2 : 1)
          .join('/'),
      ),
  );
}

type Service = {
  image?: string;
  build?: string;
  env_file?: string;
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
  stop_grace_period?: string;
  deploy?: { resources: { limits: { memory: string } } };
};

describe('compose.yaml', () => {
  const text = read('compose.yaml');
  const { services, volumes } = parse(text, { merge: true }) as {
    services: Record<string, Service>;
    volumes: Record<string, null>;
  };
  const hubs = Object.entries(services).filter(([, { build }]) => build !== undefined);

  it('has the processes of the hub and what they use, pinned, with memory for each', () => {
    expect(Object.keys(services)).to.have.members(['web', 'worker', 'postgres', 'redis', 'azurite']);
    expect(hubs.map(([name]) => name)).to.deep.equal(['web', 'worker']);
    for (const [name, { image, build, deploy }] of Object.entries(services)) {
      if (build === undefined) expect(image, name).to.match(/:\d+\.\d+\.\d+(-[\w.]+)?$/);
      expect(deploy?.resources.limits.memory, name).to.match(/^\d+[MG]$/);
    }
  });

  it('publishes the pages on this machine, and nothing else', () => {
    const published = Object.entries(services).flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
    expect(published).to.deep.equal([['web', '127.0.0.1:3000:3000']]);
  });

  it('starts the hub when what it uses is well', () => {
    for (const [name, { depends_on: needs = {} }] of hubs) {
      expect(Object.keys(needs), name).to.have.members(['postgres', 'redis', 'azurite']);
      for (const [needed, { condition }] of Object.entries(needs)) {
        expect(condition).to.equal('service_healthy');
        expect(services[needed]?.healthcheck?.test[0], needed).to.equal('CMD');
      }
    }
  });

  it('keeps data in volumes that it declares', () => {
    const used = Object.values(services).flatMap(({ volumes: mounts = [] }) => mounts.map((one) => one.split(':')[0]));
    expect(used).to.have.members(Object.keys(volumes));
    for (const name of ['postgres', 'azurite']) expect(services[name]?.volumes, name).to.have.length(1);
  });

  it('has no secret in it, and none with a default', () => {
    const asked = [...text.matchAll(/\$\{(\w+)([^}]*)\}/g)];
    expect(new Set(asked.map(([, name]) => name))).to.deep.equal(
      new Set(['POSTGRES_PASSWORD', 'ORIGINALS_KEY', 'SESSION_SECRET', 'INTEGRATION_ENCRYPTION_KEY', 'METRICS_TOKEN']),
    );
    for (const [whole, , rest] of asked) expect(rest, whole).to.match(/^:\?/);
    for (const [name, { env_file: file }] of hubs) expect(file, name).to.equal('.env');
  });

  it('configures processes that would start, and leaves them the time they need to stop', () => {
    const secrets: Env = {
      POSTGRES_PASSWORD: 'password',
      ORIGINALS_KEY: Buffer.from('a key of the storage').toString('base64'),
      SESSION_SECRET: 'a secret of sixteen characters',
      INTEGRATION_ENCRYPTION_KEY: generateFernetKey(),
      METRICS_TOKEN: 'a token for the scraper',
    };
    for (const [name, { environment = {}, stop_grace_period: grace = '' }] of hubs) {
      for (const variable of Object.keys(environment)) expect(hubVariables.has(variable), variable).to.equal(true);
      const env = Object.fromEntries(
        Object.entries(environment).map(([key, value]) => [
          key,
          value.replace(/\$\{(\w+)[^}]*\}/g, (_whole, secret: string) => secrets[secret] ?? ''),
        ]),
      );
      const config = parseConfig({ NODE_ENV: 'production', ...env });
      expect(config.role).to.equal(name);
      expect(config.operations.metrics.listener?.port, name).to.equal(9464);
      expect(Number.parseInt(grace, 10), name).to.be.at.least(config.operations.drainSeconds + 10);
      const hosts = [env.DATABASE_URL, env.REDIS_URL, config.originals.azure?.endpoint].map(
        (url) => new URL(url ?? '').hostname,
      );
      expect(hosts).to.deep.equal(['postgres', 'redis', 'azurite']);
    }
  });
});

describe('the units of systemd', () => {
  const names = ['tributary-web.service', 'tributary-worker.service'];

  it('start the hub with variables that it reads, without rights that it does not need', () => {
    for (const name of names) {
      const unit = read(`deploy/${name}`);
      const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
      expect(unit).to.include(`ExecStart=/usr/bin/${scripts.start}\n`);
      const [, pairs = ''] = /^Environment=(.*)$/m.exec(unit) ?? [];
      const env = Object.fromEntries(pairs.split(' ').map((pair) => pair.split('=') as [string, string]));
      for (const variable of Object.keys(env)) expect(hubVariables.has(variable), variable).to.equal(true);
      expect(`tributary-${env.ROLE}.service`).to.equal(name);
      for (const line of ['User=tributary', 'NoNewPrivileges=yes', 'ProtectSystem=strict', 'CapabilityBoundingSet='])
        expect(unit.split('\n')).to.include(line);
      expect(unit).not.to.match(/^MemoryDenyWriteExecute=/m);
    }
  });

  it('are understood by systemd', async function () {
    this.timeout(30_000);
    if (spawnSync('systemd-analyze', ['--version']).status !== 0)
      return notRun('the check of the units by systemd', 'systemd-analyze is not there');
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-units-'));
    try {
      for (const name of names) {
        const file = path.join(folder, name);
        // It looks for the program too.
        await writeFile(file, read(`deploy/${name}`).replace('/usr/bin/node', process.execPath));
        const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
        expect(stderr.split('\n').filter((line) => line.includes(name))).to.deep.equal([]);
        expect(status).to.equal(0);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
