import type { Logger } from 'pino';
import type { Platform } from '../../providers/provider.ts';
import type { Config, ConfluenceAccount } from '../config.ts';
import type { Database } from '../database/database.ts';
import { AppError, InvalidInputError } from '../errors.ts';
import { deleteCredentials } from '../stores/credential-store.ts';
import { listSettingsIntegrations, markNeedsReconnect } from '../stores/integration-store.ts';
import type { GrantService } from './grant-service.ts';
import type { Integration } from './integration-service.ts';
import type { UserService } from './user-service.ts';

const PLATFORM = 'confluence';
const VARIABLES = 'CONFLUENCE_BASE_URL, CONFLUENCE_USERNAME and CONFLUENCE_API_TOKEN';
const ELSEWHERE = `${VARIABLES} do not name this account any more. Set them again, or reconnect it with a token of your own.`;

/** Keeps the account that the operator's settings name connected, and no other that they have named before. */
export type SettingsAccountService = {
  /**
   * Makes the integrations of the settings what the settings say: the account's belongs to the oldest admin, others lose their stored token.
   * The vendor is asked once. Never fails: `problem` then says why.
   */
  apply(): Promise<void>;
  /** A sentence for admins: why the account that the settings name at this service is not connected. */
  problem(platform: Platform): string | undefined;
  /** Ends when no `apply` runs any more. */
  settled(): Promise<void>;
};

export function createSettingsAccountService(deps: {
  config: Config;
  database: Database;
  users: UserService;
  grants: GrantService;
  logger: Logger;
}): SettingsAccountService {
  const { config, database, users, grants, logger } = deps;
  let problem: string | undefined;
  let running = Promise.resolve();

  /** Wipes the tokens of those integrations of the settings that `isTrue` does not hold for. */
  async function release(isTrue: (integration: Integration) => boolean, reason: string): Promise<void> {
    await database.transaction(async (trx) => {
      for (const integration of await listSettingsIntegrations(trx)) {
        if (isTrue(integration)) continue;
        await deleteCredentials(trx, integration.id);
        await markNeedsReconnect(trx, integration.id, reason);
      }
    });
  }

  async function connect(account: ConfluenceAccount): Promise<void> {
    const admin = (await users.list()).find(({ role, disabledAt }) => role === 'admin' && !disabledAt);
    if (!admin) return;
    try {
      const { integration } = await grants.connectWithToken(admin, PLATFORM, {
        form: 'api_token',
        values: { baseUrl: account.baseUrl, email: account.username, apiToken: account.apiToken.reveal() },
        fromSettings: true,
      });
      await release(({ id }) => id === integration.id, ELSEWHERE);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      problem = `The account of ${VARIABLES} could not be connected: ${error.message} The hub tries again at its next start.`;
      // A token that was refused is not replaced by the one before it; a vendor that cannot be reached has refused nothing.
      if (error instanceof InvalidInputError) await release(() => false, problem);
      else await release((integration) => isNamed(account, integration), ELSEWHERE);
      logger.error({ err: error }, 'the account of the settings could not be connected');
    }
  }

  async function applyNow(): Promise<void> {
    problem = undefined;
    try {
      if (config.confluence.account) await connect(config.confluence.account);
      else await release(() => false, ELSEWHERE);
    } catch (error) {
      problem = `The account of ${VARIABLES} could not be connected, by a fault of the hub. Its log says more.`;
      logger.error({ err: error }, 'the account of the settings could not be looked after');
    }
  }

  return {
    apply() {
      running = running.then(applyNow);
      return running;
    },
    problem: (platform) => (platform === PLATFORM ? problem : undefined),
    settled: () => running,
  };
}

/** Whether the settings mean this integration, as far as can be told without asking the vendor. */
function isNamed({ baseUrl, username }: ConfluenceAccount, { site, accountEmail }: Integration): boolean {
  return (
    site !== undefined &&
    new URL(site.url).host === new URL(baseUrl).host &&
    accountEmail?.toLowerCase() === username.toLowerCase()
  );
}
