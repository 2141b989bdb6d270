import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { createContext, type Context } from './context.ts';
import type { Database } from './database/database.ts';
import { migrate } from './database/open.ts';
import { IndexError } from './index/index-error.ts';
import { registerImportJobs } from './jobs/import-jobs.ts';
import { startKeepAlive } from './jobs/keep-alive.ts';
import { closeServer, listen, type Listener } from './listener.ts';
import { createOperationsApp } from './operations-app.ts';
import type { ParsePool } from './pipeline/parse-pool.ts';
import { findUnreadableGrants, missingKeyMessage } from './services/key-rotation.ts';
import { ensureFirstAdmin } from './services/user-service.ts';

export type Hub = {
  /** Where it listens; undefined for a worker. */
  url?: string;
  /** Where metrics and health have a port of their own; undefined where they have none. */
  operationsUrl?: string;
  context: Context;
  /** Drains, then answers what has begun, hands running jobs back that do not end in time, and closes everything in reverse order. */
  close(): Promise<void>;
};

/** How long requests and jobs in hand may take to end at a stop, before they are cut and handed back. */
const STOP_MS = 6000;

/** Starts what the configuration's role names: pages and API, import workers, or both. Migrates the database first. */
export async function startHub(
  config: Config,
  parts: { logger: Logger; database?: Database; parsePool?: ParsePool },
): Promise<Hub> {
  const { logger } = parts;
  const context = await createContext(config, parts);
  const listening: Listener[] = [];
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
    const isDraining = () => context.readiness.isDraining();
    const server = config.role === 'worker' ? undefined : await listen(createApp(context), config, 'PORT', isDraining);
    if (server) listening.push(server);
    const { listener } = config.operations.metrics;
    const operations = listener && (await listen(createOperationsApp(context), listener, 'METRICS_PORT', isDraining));
    if (operations) listening.push(operations);
    if (server) {
      await context.users.needsSetup();
      // In the background: a vendor that does not answer is no reason to wait with everything else.
      void context.settingsAccount.apply();
    }
    return {
      url: server?.url,
      operationsUrl: operations?.url,
      context,
      async close() {
        context.readiness.drain();
        // Whoever spreads requests over several processes learns of it before this one takes no more.
        if (server) await sleep(config.operations.drainSeconds * 1000);
        for (const stop of stops) stop();
        await Promise.all([server && closeServer(server, STOP_MS), context.queue.stop({ timeoutMs: STOP_MS })]);
        if (operations) await closeServer(operations, 0);
        await context.close();
      },
    };
  } catch (error) {
    await Promise.all(listening.map((one) => closeServer(one, 0)));
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
