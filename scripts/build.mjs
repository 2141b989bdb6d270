// Makes dist/: TypeScript to JavaScript, and beside it what is read at run time.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = path.join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
mkdirSync(dist, { recursive: true });
for (const folder of ['views', 'public']) cpSync(path.join(root, folder), path.join(dist, folder), { recursive: true });
for (const folder of ['server', 'providers'])
  cpSync(path.join(root, folder), path.join(dist, folder), {
    recursive: true,
    filter: (source) => !source.endsWith('.ts'),
  });
cpSync(path.join(root, 'package.json'), path.join(dist, 'package.json'));
