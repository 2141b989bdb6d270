import { openPostgres } from '../../server/database/open.ts';
import { findIntegrationById } from '../../server/stores/integration-store.ts';
import { createConnections } from './connections.ts';
import { rotatingProvider } from './rotating-vendor.ts';

/** A process of its own that asks for an access token 50 times at once when it is told to, and prints how many it got. */
const [databaseUrl = '', vendorUrl = '', key = '', integrationId = '', mode = ''] = process.argv.slice(2);
const database = openPostgres(databaseUrl);
// Dying between the vendor's answer and the save is the worst moment: the old token is spent and the new one is lost.
const die = () => process.kill(process.pid, 'SIGKILL');
const provider = rotatingProvider(vendorUrl, mode === 'die' ? die : undefined);
const { credentials, egress } = createConnections(database, provider, vendorUrl, key);
const integration = await findIntegrationById(database.knex, integrationId);
if (!integration) throw new Error('no such integration');
console.log('ready');
process.stdin.once('data', () => {
  void (async () => {
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => credentials.accessToken(integration)));
    const tokens = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.reveal()] : []));
    console.log(JSON.stringify({ successes: tokens.length, tokens: [...new Set(tokens)] }));
    await egress.close();
    await database.close();
    process.exit(0);
  })();
});
