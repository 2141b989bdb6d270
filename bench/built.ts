import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
let isBuilt = false;

/** Builds the hub, once a run: what is measured is what `npm start` runs, not the source under a loader. */
export function build(say: (line: string) => void): void {
  if (isBuilt) return;
  say('building the hub');
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: fileURLToPath(root), stdio: 'inherit' });
  if (status !== 0) throw new Error('The hub could not be built; see `npm run build`.');
  isBuilt = true;
}

/** The address of a built module of `server`, for `import`. */
export const built = (module: string): string => new URL(`dist/server/${module}.js`, root).href;
