// What package.json's commands run. Works in a fresh clone: installs the packages first when they are missing or out of date.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [command, ...args] = process.argv.slice(2);

function installIfMissing() {
  const installed = path.join(root, 'node_modules', '.package-lock.json');
  const lock = path.join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  if (
    existsSync(installed) &&
    spawnSync('npm', ['ls', '--silent'], { cwd: root, shell: process.platform === 'win32' }).status === 0
  )
    return;
  console.error('Installing packages …');
  const result = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

function node(nodeArgs, env = {}) {
  const child = spawn(process.execPath, nodeArgs, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  // The terminal sends Ctrl-C to the whole group; a supervisor's signal reaches only this process and is passed on.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
}

const findTests = (folder) =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort();

/** What a process of a whole run may come to hold: engines of databases, parser threads, the stand-ins' files. */
const PROCESS_BYTES = 1.5 * 2 ** 30;

/** Files share nothing, so a whole run takes as many at a time as there are processors and memory allows. */
function wholeRun() {
  const jobs = Math.min(os.availableParallelism(), Math.floor(os.totalmem() / PROCESS_BYTES));
  return jobs > 1 ? ['--parallel', `--jobs=${jobs}`] : [];
}

installIfMissing();
const tsx = ['--import', 'tsx'];
switch (command) {
  case 'demo':
    node([...tsx, 'scripts/demo.ts', ...args]);
    break;
  case 'dev':
    node(['node_modules/tsx/dist/cli.mjs', 'watch', '--include', 'views/**/*', 'server/main.ts', ...args]);
    break;
  case 'hub':
    // A production install has no loader for the source, but the build.
    node(
      existsSync(path.join(root, 'node_modules', 'tsx'))
        ? [...tsx, 'server/cli/main.ts', ...args]
        : ['dist/server/cli/main.js', ...args],
    );
    break;
  case 'screenshots':
    node([...tsx, 'scripts/screenshots.ts', ...args]);
    break;
  case 'bench':
    node([...tsx, 'bench/main.ts', ...args]);
    break;
  case 'test': {
    const files = args.filter((arg) => !arg.startsWith('-'));
    const flags = args.filter((arg) => arg.startsWith('-'));
    node(
      [
        'node_modules/mocha/bin/mocha.js',
        '--import=tsx',
        '--require',
        'test/helpers/report-skipped.ts',
        ...flags,
        ...(files.length ? files : [...wholeRun(), ...findTests(path.join(root, 'test'))]),
      ],
      { NODE_ENV: 'test' },
    );
    break;
  }
  default:
    console.error(`Unknown command ${command}. See the scripts of package.json.`);
    process.exit(2);
}
