import { randomUUID } from 'node:crypto';
import type { Connection, Provider, TokenSet } from '../../providers/provider.ts';
import type { Database } from '../../server/database/database.ts';
import type { Egress } from '../../server/egress/egress.ts';
import { Secret } from '../../server/secret.ts';
import type { ConnectionService } from '../../server/services/connection-service.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { upsertIntegration } from '../../server/stores/integration-store.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { connectionsThrough, reload } from '../helpers/connections.ts';

/** An account of a stand-in as the hub holds it: the grant sealed in a database, refreshed and repeated as in production. */
export type Connected = {
  connection: Connection;
  integration: Integration;
  noteFailure(error: unknown): ReturnType<ConnectionService['noteFailure']>;
  /** As it stands in the database now. */
  reload(): Promise<Integration>;
  /** What is stored to refresh with. */
  refreshToken(): Promise<string | undefined>;
  /** As the next page or job opens it, which knows what became of it. */
  reopen(): Promise<Connection>;
};

export async function connectFor(
  database: Database,
  { provider, egress }: { provider: Provider; egress: Egress },
  tokens: Pick<TokenSet, 'accessToken' | 'refreshToken' | 'accountId'>,
): Promise<Connected> {
  const platform = provider.definition.id;
  const { credentials, connections } = connectionsThrough(egress, database, provider, generateFernetKey());
  const [user] = (await database
    .knex('users')
    .insert({ email: `${randomUUID()}@example.com`, name: 'User', password_hash: '-', role: 'member' })
    .returning('id')) as [{ id: string }];
  const account = { id: tokens.accountId ?? 'account-1' };
  const integration = await upsertIntegration(database.knex, { userId: user.id, platform, account, scopes: [] });
  const expiresAt = new Date(Date.now() + 3_600_000);
  await credentials.save(database.knex, integration.id, { ...tokens, expiresAt });
  return {
    integration,
    connection: connections.open(integration),
    noteFailure: (error) => connections.noteFailure(integration, error),
    reload: () => reload(database, integration),
    refreshToken: async () => (await credentials.read(integration.id))?.refreshToken?.reveal(),
    reopen: async () => connections.open(await reload(database, integration)),
  };
}

/** Tokens as a stand-in issues them. */
export const asSecrets = (tokens: { accessToken: string; refreshToken: string }) => ({
  accessToken: new Secret(tokens.accessToken),
  refreshToken: new Secret(tokens.refreshToken),
});
