import { createClient } from 'redis';
import type { Config } from '../config.ts';
import { fail, ok, type Finding } from './finding.ts';
import { reasonOf } from './reason.ts';

/** Whether the server that sessions are kept in answers. */
export async function checkSessions({ redisUrl }: Config): Promise<Finding> {
  if (!redisUrl) return ok('sessions', 'in the database; REDIS_URL is not set');
  const client = createClient({
    url: redisUrl.reveal(),
    disableOfflineQueue: true,
    socket: { connectTimeout: 5000, reconnectStrategy: false },
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.ping();
    return ok('sessions', 'in Redis, which answers');
  } catch (error) {
    return fail(
      'sessions',
      `Redis cannot be used: ${reasonOf(error)}. See that REDIS_URL is right and the server runs, or unset it`,
    );
  } finally {
    if (client.isOpen) client.destroy();
  }
}
