import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Env } from '../../server/config.ts';
import { waitFor } from './wait.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const ENTRIES = [
  'server/main.ts',
  'server/cli/main.ts',
  'server/pipeline/parse-worker.ts',
  'server/database/embedded-worker.ts',
];
/** Packages with files beside their code or whose names a bundle loses, and the databases that Knex could speak to. */
const LEFT_OUT =
  '@electric-sql/* redis connect-redis @azure/storage-blob @azure/identity @node-rs/argon2 @embedpdf/pdfium mysql mysql2 mariadb mariadb/* sqlite3 better-sqlite3 tedious oracledb pg-native pg-query-stream';
/** What code of CommonJS packages expects to find. */
const BANNER = `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
const __filename = import.meta.filename, __dirname = import.meta.dirname;`;

/** The program in few files, so that a process of it starts in a third of the time. */
export type Bundle = {
  entry: string;
  /** The command line. */
  cli: string;
  remove(): Promise<void>;
};

type Load = { path: string };
type Plugin = {
  name: string;
  setup(build: {
    onLoad(on: { filter: RegExp }, load: (file: Load) => Promise<{ loader: string; contents: string }>): void;
  }): void;
};

/** Bundles the hub as it is in the source. esbuild comes with tsx. */
export async function bundleHub(): Promise<Bundle> {
  const tsx = createRequire(import.meta.url).resolve('tsx/package.json');
  const esbuild = createRequire(tsx)('esbuild') as { build(options: object): Promise<unknown> };
  const out = await mkdtemp(path.join(os.tmpdir(), 'tributary-bundle-'));
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ENTRIES,
    outbase: root,
    outdir: out,
    bundle: true,
    splitting: true,
    minifyWhitespace: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: LEFT_OUT.split(' '),
    banner: { js: BANNER },
    plugins: [ownAddresses(out)],
    logLevel: 'error',
  });
  await writeFile(path.join(out, 'package.json'), '{ "type": "module" }');
  await symlink(path.join(root, 'node_modules'), path.join(out, 'node_modules'), 'junction');
  await cp(path.join(root, 'server', 'worker-boot.mjs'), path.join(out, 'server', 'worker-boot.mjs'));
  for (const folder of ['migrations', 'views', 'public']) {
    await mkdir(path.join(out, folder));
    await cp(path.join(root, folder), path.join(out, folder), { recursive: true });
  }
  return {
    entry: path.join(out, 'server', 'main.js'),
    cli: path.join(out, 'server', 'cli', 'main.js'),
    remove: () => rm(out, { recursive: true, force: true }),
  };
}

/** A module that looks for files beside itself finds them where it would be if it were not in the bundle. */
const ownAddresses = (out: string): Plugin => ({
  name: 'own addresses',
  setup(build) {
    build.onLoad({ filter: /[\\/](server|providers)[\\/][^:]*\.ts$/ }, async ({ path: file }) => {
      const place = path.join(out, path.relative(root, file));
      const source = await readFile(file, 'utf8');
      return {
        loader: 'ts',
        contents: source
          .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(place).href))
          .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(place))),
      };
    });
  },
});

/** A hub that runs as a process of its own. */
export type HubProcess = {
  /** Fulfilled when it takes requests or jobs. Errors: Error with what it printed, when it ends before that. */
  ready: Promise<void>;
  isReady(): boolean;
  /** Where it listens; known once it is ready. */
  url(): string;
  /** Everything that it printed. */
  output(): string;
  hasEnded(): boolean;
  /** kill -9; returns when it is dead. */
  kill(): Promise<void>;
  /** SIGTERM; gives the exit code and how long it took. */
  stop(): Promise<{ code: number | null; tookMs: number }>;
};

/** Starts a hub as an operator would, with these variables and no others of ours. `preload`: a module that it loads first. */
export function startHubProcess({ entry }: Pick<Bundle, 'entry'>, env: Env, preload?: string): HubProcess {
  const { PATH, HOME, TMPDIR } = process.env;
  const child: ChildProcess = spawn(process.execPath, [...(preload ? ['--import', preload] : []), entry], {
    // No `.env` of the project's folder.
    cwd: path.dirname(entry),
    env: { PATH, HOME, TMPDIR, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  let ended = false;
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (part: Buffer) => void (printed += part.toString()));
  const exit = once(child, 'exit').then(([code]) => {
    ended = true;
    return code as number | null;
  });
  const isReady = () => /Tributary (worker )?is ready/.test(printed);
  const ready = waitFor(
    'the hub to be ready',
    () => {
      if (ended && !isReady()) throw new Error(`the hub ended before it was ready:\n${printed}`);
      return isReady();
    },
    120_000,
  ).then(() => undefined);
  // Who kills it while it starts does not ask whether it was ready.
  ready.catch(() => undefined);
  return {
    ready,
    isReady,
    url: () => /listening on (\S+)\)/.exec(printed)?.[1] ?? '',
    output: () => printed,
    hasEnded: () => ended,
    async kill() {
      child.kill('SIGKILL');
      await exit;
    },
    async stop() {
      const startedAt = Date.now();
      child.kill('SIGTERM');
      return { code: await exit, tookMs: Date.now() - startedAt };
    },
  };
}
