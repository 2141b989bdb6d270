import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { buildContext, type Context } from './context.ts';
import type { Database } from './database/database.ts';
import { migrate, openDatabase } from './database/open.ts';
import { withDevSecrets } from './dev-secrets.ts';
import { ensureFirstAdmin } from './services/user-service.ts';
import { openSessionStore } from './session.ts';

export type Hub = {
  /** Where people reach it. */
  url: string;
  context: Context;
  /** Takes no new requests and jobs, finishes or hands back what is in flight, then closes everything in reverse order. */
  close(): Promise<void>;
};

/**
 * Starts the hub in this process: database, migrations, context, then web and worker as `ROLE` says. With port 0 a free one is
 * taken. Tests hand in an open database; it then stays theirs to close.
 */
export async function startHub(
  given: Config,
  { logger, database: ownDatabase }: { logger: Logger; database?: Database },
): Promise<Hub> {
  const { config: withSecrets, created } = withDevSecrets(given);
  if (created.length > 0)
    logger.info({ files: created }, 'made new secrets; keep these files, stored grants depend on them');
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async () => {
    for (const close of closers.reverse()) await close();
  };
  try {
    const database = ownDatabase ?? (await openDatabase(withSecrets));
    if (!ownDatabase) closers.push(() => database.close());
    await migrate(database);

    // The port is taken before anything is built: redirect URIs hold it.
    const server = createServer();
    const port = withSecrets.role === 'worker' ? withSecrets.port : await listen(server, withSecrets);
    const config = { ...withSecrets, port, baseUrl: withSecrets.baseUrl.replace(/:0$/, `:${port}`) };

    const context = await buildContext(config, { database, logger });
    closers.push(() => context.close());
    await ensureFirstAdmin(context.users, config);
    await context.users.needsSetup();
    if (config.role !== 'web') await context.work();
    if (config.role !== 'worker') {
      const sessions = await openSessionStore(config, database, logger);
      closers.push(() => sessions.close());
      server.on('request', createApp(context, { sessionStore: sessions.store, sessionSecrets: config.sessionSecrets }));
      closers.push(() => closeServer(server));
    }
    return { url: config.baseUrl, context, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function listen(server: Server, { port, host }: Config): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

/** Requests in flight may end; event streams, which never would, are cut after two seconds. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 2_000).unref();
  });
}
