import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { createContext, type Context } from './context.ts';
import type { Database } from './database/database.ts';
import { migrate } from './database/open.ts';
import { IndexError } from './index/index-error.ts';
import { registerImportJobs } from './jobs/import-jobs.ts';
import { startKeepAlive } from './jobs/keep-alive.ts';
import type { ParsePool } from './pipeline/parse-pool.ts';
import { findUnreadableGrants, missingKeyMessage } from './services/key-rotation.ts';
import { ensureFirstAdmin } from './services/user-service.ts';

export type Hub = {
  /** Where it listens; undefined for a worker. */
  url?: string;
  context: Context;
  /** Answers what has begun, hands running jobs back after `timeoutMs`, closes everything in reverse order. */
  close(): Promise<void>;
};

/** How long running jobs may take to end at a stop, before they are handed back. */
const STOP_MS = 6000;

/** Starts what the configuration's role names: pages and API, import workers, or both. Migrates the database first. */
export async function startHub(
  config: Config,
  parts: { logger: Logger; database?: Database; parsePool?: ParsePool },
): Promise<Hub> {
  const { logger } = parts;
  const context = await createContext(config, parts);
  try {
    const applied = await migrate(context.database);
    if (applied.length > 0) logger.info({ migrations: applied }, 'the database was migrated');
    await context.embedders.begin();
    await openIndex(context);
    const unreadable = await findUnreadableGrants(context);
    if (unreadable.length > 0) throw new Error(missingKeyMessage(unreadable.length));
    const admin = await ensureFirstAdmin(context.users, context.database, config);
    if (admin) logger.info({ userId: admin.id }, 'the first admin was created');
    const stops = config.role === 'web' ? [] : [registerImportJobs(context), startKeepAlive(context)];
    await context.queue.start();
    context.signals.start();
    const server = config.role === 'worker' ? undefined : await listen(context, config);
    if (server) {
      await context.users.needsSetup();
      // In the background: a vendor that does not answer is no reason to wait with everything else.
      void context.settingsAccount.apply();
    }
    return {
      url: server && `http://${displayHost(config.host)}:${(server.address() as AddressInfo).port}`,
      context,
      async close() {
        for (const stop of stops) stop();
        await Promise.all([server && closeServer(server), context.queue.stop({ timeoutMs: STOP_MS })]);
        await context.close();
      },
    };
  } catch (error) {
    await context.queue.stop({ timeoutMs: 0 }).catch(() => undefined);
    await context.close();
    throw error;
  }
}

/** An index outside the database that is set up wrongly stops the start; one that does not answer is waited for in the background. */
async function openIndex({ indexKeeper, logger }: Context): Promise<void> {
  await indexKeeper?.open().catch((error: unknown) => {
    if (!(error instanceof IndexError) || error.kind === 'misconfigured' || error.kind === 'refused') throw error;
    logger.error({ err: error }, 'the index does not answer; the database answers searches, and imports wait for it');
  });
}

const displayHost = (host: string): string => (host === '0.0.0.0' || host === '::' ? 'localhost' : host);

function listen(context: Context, config: Config): Promise<Server> {
  const server = createServer(createApp(context));
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(
              `Port ${config.port} is in use already. Stop what listens there, or set PORT to another number.`,
              { cause: error },
            )
          : error,
      ),
    );
    server.listen(config.port, config.host, () => resolve(server));
  });
}

/** Requests that have begun get their answer; streams of events are cut, browsers come back by themselves. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), 2000);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
