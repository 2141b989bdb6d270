import type { Store } from 'express-session';
import type { Logger } from 'pino';
import type { Finding } from './checks/finding.ts';
import type { Config } from './config.ts';
import type { Database } from './database/database.ts';
import type { TypedFilters } from './forms/filters-form.ts';
import type { ImportScope } from './services/import-service.ts';
import { createDatabaseSessionStore } from './stores/session-store.ts';
import type { Flash } from './views.ts';

declare module 'express-session' {
  interface SessionData {
    /** Set by passport: the id of the signed-in user. */
    passport?: { user?: string };
    /** Which of the user's sign-ins it is; without its row nobody is signed in. */
    signInId?: string;
    flash?: Flash[];
    /** What was ticked in the browser, over all integrations, in the order of ticking. */
    basket?: BasketItem[];
    /** What is ticked beside the selection. */
    importChoices?: ImportChoices;
    /** What the servers beside the database said when an admin last asked them. */
    connections?: { at: string; findings: Finding[] };
  }
}

export type ImportChoices = Pick<ImportScope, 'includeChildren' | 'includeAttachments'> & {
  /** As it was typed, like the filters. */
  category?: string;
  filters?: TypedFilters;
};

export type BasketItem = {
  integrationId: string;
  ref: string;
  name: string;
  kind: 'file' | 'folder';
  /** A file that holds items. */
  hasChildren?: boolean;
  /** Where it was ticked: "My Drive/Policies", or '' at the top; absent when it was found by a search. */
  folder?: string;
};

export type SessionStore = { store: Store; ping(): Promise<void>; close(): Promise<void> };

/** A session ends after this long without a request. */
export const SESSION_MS = 14 * 24 * 3600 * 1000;

/** However often it is used, it ends this long after its sign-in: what NIST SP 800-63B allows where a password is enough (AAL1). */
export const SIGN_IN_MS = 30 * 24 * 3600 * 1000;

/**
 * The cookie with the signed id of a session. With https its name tells browsers to take it from this host alone, for all of it and over https.
 * Source: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis (section 4.1.3.2)
 */
export function sessionCookie({ baseUrl }: Pick<Config, 'baseUrl'>) {
  const secure = baseUrl.startsWith('https:');
  return {
    name: secure ? '__Host-tributary' : 'tributary',
    options: { path: '/', httpOnly: true, sameSite: 'lax', secure } as const,
  };
}

/** Sessions in Redis where REDIS_URL names one, else in the database. Errors: what Redis says when it cannot be reached. */
export async function openSessionStore(deps: {
  config: Config;
  database: Database;
  logger: Logger;
}): Promise<SessionStore> {
  const { config, database, logger } = deps;
  if (!config.redisUrl) {
    const { store, close } = createDatabaseSessionStore(database, logger);
    return { store, close, ping: async () => undefined };
  }
  // Loaded only where it is asked for: it takes 20 MB.
  const { createClient } = await import('redis');
  const { RedisStore } = await import('connect-redis');
  const client = createClient({
    url: config.redisUrl.reveal(),
    // A request must fail fast when Redis is away, not queue up behind it.
    disableOfflineQueue: true,
    socket: { connectTimeout: 5000, socketTimeout: 10_000 },
    pingInterval: 4000,
  });
  client.on('error', (error: unknown) => logger.error({ err: error }, 'Redis reported an error'));
  await client.connect();
  return {
    store: new RedisStore({ client, prefix: 'tributary:session:', ttl: SESSION_MS / 1000 }),
    ping: async () => void (await client.ping()),
    close: async () => client.destroy(),
  };
}
