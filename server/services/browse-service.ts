import type { Logger } from 'pino';
import type { Item, Platform, Provider } from '../../providers/provider.ts';
import type { Database } from '../database/database.ts';
import { AppError, BadRequestError } from '../errors.ts';
import type { ConnectionService } from './connection-service.ts';
import { withImported, type BrowseItem } from './imported-before.ts';
import type { Integration, IntegrationService } from './integration-service.ts';
import { ancestorsOf, type Crumb } from './item-path.ts';
import { bounded } from './provider-failures.ts';
import type { User } from './user-service.ts';
import { createAskVendor } from './vendor-question.ts';

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
  /** The vendor is slow: its answer may come yet, and is kept for the tree. */
  isLate?: boolean;
};

export type BrowseService = {
  /** All integrations' roots side by side; a failing one costs only its own part, and so does one that takes over four seconds. */
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
  /**
   * The places directly in a folder, or in a file that holds items; without `ref` an account's roots. What was listed in the last minute is not
   * asked for again, unless it is to be `fresh`. Errors: as of `list`.
   */
  branch(
    user: User,
    integrationId: string,
    options: { ref?: string; cursor?: string; fresh?: boolean },
  ): Promise<BrowseBranch>;
};

/** What the tree shows below a place. */
export type BrowseBranch = { integration: Integration; places: Item[]; next?: string };

/** What can be opened in the browser. */
export const isPlace = ({ kind, hasChildren }: Pick<Item, 'kind' | 'hasChildren'>): boolean =>
  kind === 'folder' || hasChildren === true;

const MAX_QUERY = 200;
/** One slow account must not hold up the page that shows them all. */
const PATIENCE_MS = 4_000;

export function createBrowseService(deps: {
  database: Database;
  integrations: IntegrationService;
  providers: Map<Platform, Provider>;
  connections: ConnectionService;
  logger: Logger;
}): BrowseService {
  const { database, integrations, providers, connections, logger } = deps;

  const ask = createAskVendor({ providers, connections });
  const branches = createBranchMemory();

  const withBadges = (integration: Integration, items: Item[]): Promise<BrowseItem[]> =>
    withImported(database.current(), integration.id, items);

  return {
    async roots(user) {
      const all = await integrations.list(user);
      return Promise.all(
        all.map(async (integration) => {
          try {
            const asked = ask(integration, (provider, connection) => provider.roots(connection)).then((items) => {
              branches.keep(branchKey(integration.id), { places: items.filter(isPlace) });
              return items;
            });
            const label = providers.get(integration.platform)?.definition.label ?? 'The service';
            return { integration, items: await bounded(asked, label, PATIENCE_MS) };
          } catch (error) {
            if (error instanceof AppError)
              return { integration, items: [], error: error.message, isLate: error.code === 'vendor_timeout' };
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

    async branch(user, integrationId, { ref, cursor, fresh = false }) {
      const integration = await integrations.get(user, integrationId);
      const key = branchKey(integrationId, ref, cursor);
      const listed = await branches.get(key, fresh, () =>
        ask(integration, async (provider, connection) => {
          const page =
            ref === undefined
              ? { items: await provider.roots(connection), next: undefined }
              : await provider.list(connection, ref, cursor);
          return { places: page.items.filter(isPlace), next: page.next };
        }),
      );
      return { integration, ...listed };
    },
  };
}

const branchKey = (integrationId: string, ref?: string, cursor?: string): string =>
  JSON.stringify([integrationId, ref, cursor]);

const BRANCH_MS = 60_000;
const MAX_BRANCHES = 200;

type Listed = Pick<BrowseBranch, 'places' | 'next'>;

/** Keeps the branches of the tree for a minute: every page of the browser shows them, and vendors count their calls. */
function createBranchMemory() {
  const kept = new Map<string, { until: number; listed: Listed }>();
  const keep = (key: string, listed: Listed): void => {
    kept.delete(key);
    kept.set(key, { until: Date.now() + BRANCH_MS, listed });
    for (const oldest of kept.keys()) {
      if (kept.size <= MAX_BRANCHES) break;
      kept.delete(oldest);
    }
  };
  return {
    keep,
    async get(key: string, fresh: boolean, list: () => Promise<Listed>): Promise<Listed> {
      const known = kept.get(key);
      if (known && known.until > Date.now() && !fresh) return known.listed;
      kept.delete(key);
      const listed = await list();
      keep(key, listed);
      return listed;
    },
  };
}
