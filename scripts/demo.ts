import { existsSync, mkdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

/**
 * The hub with the sandbox, on the embedded database, ready to click through: sets the variables a demo needs and starts the hub
 * exactly as `npm run dev` would.
 */
const EMAIL = 'admin@tributary.example';
const PASSWORD = 'tributary-demo';

const dataDir = process.env.DATA_DIR ?? path.join('data', 'demo');
const fresh = !existsSync(path.join(dataDir, 'postgres'));
mkdirSync(dataDir, { recursive: true });

// The demo stands alone: services that happen to be configured in this shell are for another installation.
for (const name of ['DATABASE_URL', 'REDIS_URL', 'NODE_ENV', 'BASE_URL', 'ROLE']) delete process.env[name];
Object.assign(process.env, {
  DATA_DIR: dataDir,
  SANDBOX: '1',
  HOST: process.env.HOST ?? '127.0.0.1',
  PORT: process.env.PORT ?? String(await freePort(3000)),
  LOG_LEVEL: process.env.LOG_LEVEL ?? 'warn',
  ADMIN_EMAIL: process.env.ADMIN_EMAIL ?? EMAIL,
  ADMIN_PASSWORD: process.env.ADMIN_PASSWORD ?? PASSWORD,
});

console.log(fresh ? 'Starting the demo (the first start makes the database) …' : 'Starting the demo …');
console.log(
  `Sign in with ${process.env.ADMIN_EMAIL} and the password ${process.env.ADMIN_PASSWORD === PASSWORD ? PASSWORD : 'of ADMIN_PASSWORD'}`,
);
await import('../server/main.ts');

/** The wanted port, or the next free one after it. */
async function freePort(wanted: number): Promise<number> {
  for (let port = wanted; port < wanted + 50; port += 1) {
    const free = await new Promise<boolean>((resolve) => {
      const probe = net.createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
  return wanted;
}
