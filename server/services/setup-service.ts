import type { Platform, Provider, ProviderDefinition } from '../../providers/provider.ts';
import { missingSettings, type KnownPlatform } from '../../providers/registry.ts';
import { checkAddress } from '../checks/check-address.ts';
import { checkConnections } from '../checks/check-connections.ts';
import { checkKeys } from '../checks/check-keys.ts';
import { checkServices } from '../checks/check-services.ts';
import { checkSessions } from '../checks/check-sessions.ts';
import { checkSso } from '../checks/check-sso.ts';
import { describeDatabase } from '../checks/describe-database.ts';
import type { Finding } from '../checks/finding.ts';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { ForbiddenError } from '../errors.ts';
import { paths } from '../paths.ts';
import type { User } from './user-service.ts';
import { whyNotReachable } from './webhook-address.ts';

export type PlatformSetup = {
  definition: ProviderDefinition;
  /** Of the variables for connecting by consent, those that are set, and those that are not. */
  set: string[];
  missing: string[];
  /** Whether the stand-in of a hub that tries things out plays the service. */
  sandbox: boolean;
  redirectUri: string;
  /** Absent where the service makes no calls, or where it is not set up so that nobody knows. */
  calls?: {
    /** To be registered by hand; absent where the hub does it. */
    address?: string;
    setUp?: string;
    /** Why the service cannot reach the hub: a sentence. */
    problem?: string;
  };
};

/** What `npm run hub -- check` finds, of the running hub. For admins; it names variables, and no value that is secret. */
export type SetupService = {
  /** How each service is set up, in the order of the pages. Errors: ForbiddenError. */
  services(user: User): PlatformSetup[];
  /** What can be told without asking anybody but database and sessions. Errors: ForbiddenError. */
  look(user: User): Promise<{ findings: Finding[]; platforms: PlatformSetup[] }>;
  /** What the other servers say, within half a minute. Errors: ForbiddenError. */
  ask(user: User): Promise<Finding[]>;
};

export function createSetupService(deps: {
  config: Config;
  database: Database;
  platforms: KnownPlatform[];
  providers: Map<Platform, Provider>;
}): SetupService {
  const { config, database, platforms, providers } = deps;

  const forAdmins = (user: User): void => {
    if (user.role !== 'admin')
      throw new ForbiddenError('Only admins see how this hub is set up. Ask an admin of this hub.');
  };

  function toSetup(known: KnownPlatform): PlatformSetup {
    const { definition } = known;
    const missing = missingSettings(known);
    const provider = providers.get(definition.id);
    const hooks = provider?.webhooks;
    return {
      definition,
      set: [definition.settings.clientId, definition.settings.clientSecret].filter((name) => !missing.includes(name)),
      missing,
      sandbox: config.sandbox !== undefined,
      redirectUri: config.baseUrl + paths.callback(definition.id),
      calls: hooks && {
        address: hooks.watch ? undefined : config.baseUrl + paths.webhook(definition.id),
        setUp: hooks.setUp,
        problem: whyNotReachable(config, { definition }),
      },
    };
  }

  return {
    services(user) {
      forAdmins(user);
      return platforms.map(toSetup);
    },

    async look(user) {
      forAdmins(user);
      const { findings, sealed } = await describeDatabase(database, config);
      return {
        findings: [
          ...checkAddress(config),
          ...findings,
          await checkSessions(config),
          ...checkKeys(config, sealed),
          ...checkServices(config),
          ...checkSso(config),
        ],
        platforms: platforms.map(toSetup),
      };
    },

    async ask(user) {
      forAdmins(user);
      return checkConnections(config);
    },
  };
}
