import type { Platform, Provider } from '../../providers/provider.ts';
import type { Database } from '../../server/database/database.ts';
import { createEgress, type Egress } from '../../server/egress/egress.ts';
import { createLogger } from '../../server/logger.ts';
import { Secret } from '../../server/secret.ts';
import { createConnectionService } from '../../server/services/connection-service.ts';
import { createCredentialService } from '../../server/services/credential-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { createRateGovernor } from '../../server/services/rate-governor.ts';
import { createRequestCountService } from '../../server/services/request-count-service.ts';
import { findIntegrationById, upsertIntegration } from '../../server/stores/integration-store.ts';
import { createMetrics } from '../../server/telemetry/metrics.ts';
import { createVault } from '../../server/vault/vault.ts';

/** What holds grants and talks to one vendor, on a database that other processes may share. */
export function connectionsThrough(egress: Egress, database: Database, provider: Provider, key: string) {
  const logger = createLogger({ logLevel: 'silent' });
  const providers = new Map<Platform, Provider>([[provider.definition.id, provider]]);
  const vault = createVault([new Secret(key)]);
  const credentials = createCredentialService({ database, vault, providers, egress, logger });
  const governor = createRateGovernor({ database });
  const requestCounts = createRequestCountService({ database, logger });
  const connections = createConnectionService({
    database,
    credentials,
    governor,
    requestCounts,
    metrics: createMetrics({ withProcess: false }),
    egress,
    providers,
    logger,
  });
  return { credentials, governor, requestCounts, connections };
}

/** The same for a vendor at an address on this machine. */
export function createConnections(database: Database, provider: Provider, vendorUrl: string, key: string) {
  const egress = createEgress({ allowedHosts: [new URL(vendorUrl).host], vendorHosts: [] });
  return { ...connectionsThrough(egress, database, provider, key), egress };
}

/** A user with one connected account that holds these tokens; `expired` ones must be refreshed before use. */
export async function connectAccount(
  database: Database,
  credentials: ReturnType<typeof createConnections>['credentials'],
  tokens: { accessToken: string; refreshToken: string },
  expired: boolean,
): Promise<Integration> {
  const [user] = (await database
    .knex('users')
    .insert({ email: `${Math.random()}@example.com`, name: 'Ann', password_hash: '-', role: 'member' })
    .returning('id')) as [{ id: string }];
  const integration = await upsertIntegration(database.knex, {
    userId: user.id,
    platform: 'google_drive',
    account: { id: 'account-1' },
    scopes: [],
  });
  await credentials.save(database.knex, integration.id, {
    accessToken: new Secret(tokens.accessToken),
    refreshToken: new Secret(tokens.refreshToken),
    expiresAt: new Date(Date.now() + (expired ? -1000 : 3_600_000)),
  });
  return integration;
}

export async function reload(database: Database, integration: Integration): Promise<Integration> {
  const found = await findIntegrationById(database.knex, integration.id);
  if (!found) throw new Error('the integration is gone');
  return found;
}
