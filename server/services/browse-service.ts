import type { Logger } from 'pino';
import type { Connection, Item, Platform, Provider } from '../../providers/provider.ts';
import type { Database } from '../database/database.ts';
import { AppError, BadRequestError } from '../errors.ts';
import { findImportedItems } from '../stores/document-store.ts';
import type { ConnectionService } from './connection-service.ts';
import type { Integration, IntegrationService } from './integration-service.ts';
import { ancestorsOf, type Crumb } from './item-path.ts';
import { bounded, toAppError } from './provider-failures.ts';
import type { User } from './user-service.ts';

/** A listed item and what the hub knows of it already. */
export type BrowseItem = Item & { documentId?: string; changedSince: boolean };

export type BrowsePage = {
  integration: Integration;
  items: BrowseItem[];
  next?: string;
  /** From the root down to the listed place itself; empty at the top and for searches. */
  breadcrumbs: Crumb[];
};

/** One integration at the top of the browser: its roots, or the sentence that says why they are not there. */
export type BrowseRoots = {
  integration: Integration;
  items: Item[];
  error?: string;
};

export type BrowseService = {
  /** All integrations' roots side by side; a failing one costs only its own part. */
  roots(user: User): Promise<BrowseRoots[]>;
  /**
   * One page of a folder or of a file that holds items (`ref` 'root' or absent: the roots), or of a search. Bounded to 10 s.
   * Errors: NotFoundError; AppError 502 `vendor_error`, 503 `vendor_timeout`, 409 `needs_reconnect`.
   */
  list(
    user: User,
    integrationId: string,
    options: { ref?: string; query?: string; cursor?: string },
  ): Promise<BrowsePage>;
};

const MAX_QUERY = 200;

export function createBrowseService(deps: {
  database: Database;
  integrations: IntegrationService;
  providers: Map<Platform, Provider>;
  connections: ConnectionService;
  logger: Logger;
}): BrowseService {
  const { database, integrations, providers, connections, logger } = deps;

  /** Asks the vendor, for ten seconds at most, and says its failures in our words. */
  async function ask<T>(
    integration: Integration,
    question: (provider: Provider, connection: Connection) => Promise<T>,
  ): Promise<T> {
    const provider = providers.get(integration.platform);
    if (!provider)
      throw new AppError(
        409,
        'not_configured',
        'This service is switched off: its client id and secret are not set on the server.',
      );
    try {
      return await bounded(question(provider, connections.open(integration)), provider.definition.label);
    } catch (error) {
      await connections.noteFailure(integration, error);
      throw toAppError(error);
    }
  }

  async function withBadges(integration: Integration, items: Item[]): Promise<BrowseItem[]> {
    const imported = await findImportedItems(
      database.current(),
      integration.id,
      items.filter((item) => item.kind === 'file').map((item) => item.ref),
    );
    return items.map((item) => {
      const known = imported.get(item.ref);
      return {
        ...item,
        documentId: known?.documentId,
        changedSince: known !== undefined && item.version !== undefined && known.version !== item.version,
      };
    });
  }

  return {
    async roots(user) {
      const all = await integrations.list(user);
      return Promise.all(
        all.map(async (integration) => {
          try {
            const items = await ask(integration, (provider, connection) => provider.roots(connection));
            return { integration, items };
          } catch (error) {
            if (error instanceof AppError) return { integration, items: [], error: error.message };
            logger.error({ err: error, integrationId: integration.id }, 'an integration could not be listed');
            return { integration, items: [], error: 'Something went wrong while listing this account. Try again.' };
          }
        }),
      );
    },

    async list(user, integrationId, { ref, query, cursor }) {
      const integration = await integrations.get(user, integrationId);
      const text = query?.trim() ?? '';
      if (text.length > MAX_QUERY)
        throw new BadRequestError('query_too_long', `Search for at most ${MAX_QUERY} characters.`);
      if (text !== '') {
        const page = await ask(integration, async (provider, connection) => {
          if (!provider.search)
            throw new BadRequestError('no_search', `${provider.definition.label} cannot be searched from here.`);
          return provider.search(connection, text, cursor);
        });
        return { integration, items: await withBadges(integration, page.items), next: page.next, breadcrumbs: [] };
      }
      if (ref === undefined || ref === 'root') {
        const items = await ask(integration, (provider, connection) => provider.roots(connection));
        return { integration, items: await withBadges(integration, items), breadcrumbs: [] };
      }
      const { page, trail } = await ask(integration, async (provider, connection) => {
        const place = await provider.get(connection, ref);
        const [listed, above] = await Promise.all([
          provider.list(connection, ref, cursor),
          ancestorsOf(provider, connection, place),
        ]);
        return { page: listed, trail: [...above, { ref: place.ref, name: place.name, kind: place.kind }] };
      });
      return {
        integration,
        items: await withBadges(integration, page.items),
        next: page.next,
        breadcrumbs: trail,
      };
    },
  };
}
