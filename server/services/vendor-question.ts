import type { Connection, Platform, Provider } from '../../providers/provider.ts';
import { AppError } from '../errors.ts';
import type { ConnectionService } from './connection-service.ts';
import type { Integration } from './integration-service.ts';
import { bounded, toAppError } from './provider-failures.ts';

/** Asks the vendor of an account, for ten seconds at most, and says its failures in our words. Errors: AppError. */
export type AskVendor = <T>(
  integration: Integration,
  question: (provider: Provider, connection: Connection) => Promise<T>,
) => Promise<T>;

export function createAskVendor(deps: {
  providers: Map<Platform, Provider>;
  connections: ConnectionService;
}): AskVendor {
  const { providers, connections } = deps;
  return async (integration, question) => {
    const provider = providerOf(providers, integration);
    try {
      return await bounded(question(provider, connections.open(integration)), provider.definition.label);
    } catch (error) {
      await connections.noteFailure(integration, error);
      throw toAppError(error);
    }
  };
}

/** Errors: AppError 409 `not_configured`. */
export function providerOf(providers: Map<Platform, Provider>, { platform }: Integration): Provider {
  const provider = providers.get(platform);
  if (provider) return provider;
  throw new AppError(
    409,
    'not_configured',
    'This service is switched off: its client id and secret are not set on the server.',
  );
}
