import pLimit, { type LimitFunction } from 'p-limit';
import type { Logger } from 'pino';
import type { Connection, Item, Platform, Provider } from '../../providers/provider.ts';
import type { Database } from '../database/database.ts';
import { AppError } from '../errors.ts';
import { formatCount } from '../format.ts';
import { findStoredVersions } from '../stores/document-store.ts';
import type { NewImportFolder } from '../stores/import-folder-store.ts';
import type { ConnectionService } from './connection-service.ts';
import { createBound, withSignal, type Bound, type EstimateLimits } from './estimate-bound.ts';
import { addTallies, createTallyBook, type Tally, type TallyBook } from './estimate-tally.ts';
import { cleanFilters, filterFor, type LeftOut } from './import-filters.ts';
import { countedItems, listingDepth, listingsBelow, pagesOf } from './import-listings.ts';
import type { ImportScope, KnownItem } from './import-service.ts';
import type { Integration, IntegrationService } from './integration-service.ts';
import { toAppError } from './provider-failures.ts';
import type { User } from './user-service.ts';

/** Why a part could not be counted: a sentence. Codes as those of the API; `too_many` where there are more items than are counted. */
export type EstimateProblem = { integrationId: string; code: string; message: string };

/** What one account would bring. Not `complete`: there is more than is counted. */
export type AccountEstimate = Tally & { integration: Integration; complete: boolean };

/** What an import would find. Its figures are the sums of those of its accounts. */
export type Estimate = Tally & { complete: boolean; accounts: AccountEstimate[]; problems: EstimateProblem[] };

type Selected = { integrationId: string; ref: string; known?: KnownItem };

export type EstimateService = {
  /**
   * Lists what is selected as its import would, several accounts at once, and writes nothing. Bounded (8 s, 20,000 items): then it says that
   * there is more. A vendor that fails or is slow costs its own part only. Errors: NotFoundError for integrations of others.
   */
  estimate(user: User, input: Partial<ImportScope> & { items: Selected[] }): Promise<Estimate>;
};

const LIMITS: EstimateLimits = { ms: 8000, items: 20_000 };
/** Listings of one account at the same time. */
const CONCURRENCY = 4;

type Listing = NewImportFolder & { name: string };

/** One account while it is counted. */
type Survey = {
  user: User;
  integration: Integration;
  provider: Provider;
  connection: Connection;
  scope: ImportScope;
  leftOut: LeftOut;
  /** Selected by themselves: as in the ledger, they are there before anything is listed. */
  single: Set<string>;
  begun: Set<string>;
  book: TallyBook;
  problems: EstimateProblem[];
  bound: Bound;
  limit: LimitFunction;
};

export function createEstimateService(deps: {
  config: { maxFileBytes: number };
  database: Database;
  integrations: IntegrationService;
  providers: Map<Platform, Provider>;
  connections: ConnectionService;
  logger: Logger;
  limits?: EstimateLimits;
}): EstimateService {
  const { config, database, integrations, providers, connections, logger, limits = LIMITS } = deps;

  /** Asks the vendor, a few questions at a time and none after the bound; a failure costs what was asked for. */
  async function ask(survey: Survey, failed: string, question: () => Promise<void>): Promise<void> {
    const { integration, bound, problems, limit } = survey;
    await limit(async () => {
      if (bound.signal.aborted) return;
      try {
        await question();
      } catch (error) {
        if (bound.signal.aborted) return;
        await connections.noteFailure(integration, error);
        const known = toAppError(error);
        if (!(known instanceof AppError))
          logger.error({ err: error, integrationId: integration.id }, 'an account could not be counted');
        const { code, message } =
          known instanceof AppError ? known : { code: 'internal', message: 'Something went wrong inside the hub.' };
        problems.push({ integrationId: integration.id, code, message: `${failed} ${message}` });
      }
    });
  }

  async function count({ user, integration, book, bound }: Survey, items: Item[], leftOut: LeftOut): Promise<void> {
    const { platform, accountId } = integration;
    const refs = items.map(({ ref }) => ref);
    const stored = await findStoredVersions(database.current(), { userId: user.id, platform, accountId }, refs);
    // The figures of an estimate that has ended are given already.
    if (bound.signal.aborted) return;
    for (const item of items) book.add(item, { leftOut, storedVersion: stored.get(item.ref) });
  }

  /** Counts what is in a folder, or below a file, to the depth that is wanted. */
  async function list(survey: Survey, listing: Listing): Promise<void> {
    const { provider, connection, scope, leftOut, single, begun, bound } = survey;
    const key = `${listing.deep} ${listing.ref}`;
    if (begun.has(key)) return;
    begun.add(key);
    const below: Promise<void>[] = [];
    await ask(survey, `What is in “${listing.name}” could not be listed.`, async () => {
      for await (const page of pagesOf(provider, connection, listing, scope)) {
        const met = countedItems(page).filter(({ ref }) => !single.has(ref));
        await count(survey, met, leftOut);
        bound.meet(page.items.length);
        if (bound.signal.aborted) return;
        for (const folder of listingsBelow(scope, listing, page))
          below.push(list(survey, { ...folder, name: folder.path.split('/').at(-1) ?? '' }));
      }
    });
    await Promise.all(below);
  }

  /** Counts what was selected: a file itself, which no filter asks about, and what is in it or below it. */
  async function look(survey: Survey, { ref, known }: Selected): Promise<void> {
    let found: Pick<Item, 'name' | 'kind' | 'hasChildren'> | undefined = known;
    if (known?.kind !== 'folder')
      await ask(survey, `${known ? `“${known.name}”` : 'A selected item'} could not be found.`, async () => {
        const item = await survey.provider.get(survey.connection, ref);
        found = item;
        if (item.kind !== 'file') return;
        await count(survey, [item], () => undefined);
        survey.bound.meet(1);
      });
    const deep = found && listingDepth(found, survey.scope);
    if (found && deep !== undefined) await list(survey, { ref, path: found.name, deep, name: found.name });
  }

  /** What can be counted of one account until the bound is reached. */
  async function countAccount(
    user: User,
    integration: Integration,
    items: Selected[],
    scope: ImportScope,
    bound: Bound,
  ): Promise<AccountEstimate & { problems: EstimateProblem[] }> {
    const book = createTallyBook({ maxFileBytes: config.maxFileBytes });
    const problems: EstimateProblem[] = [];
    const end = (code?: string, message = '') => ({
      integration,
      ...book.sum(),
      complete: code === undefined && problems.length === 0,
      problems: code === undefined ? problems : [...problems, { integrationId: integration.id, code, message }],
    });
    const provider = providers.get(integration.platform);
    if (integration.status !== 'active')
      return end('needs_reconnect', integration.statusDetail ?? 'The account is not connected any more. Reconnect it.');
    if (!provider)
      return end('not_configured', 'This service is switched off: its client id and secret are not set on the server.');
    const survey: Survey = {
      user,
      integration,
      provider,
      connection: withSignal(connections.open(integration), bound.signal),
      scope,
      leftOut: filterFor(scope.filters, integration.platform),
      single: new Set(items.filter(({ known }) => known?.kind !== 'folder').map(({ ref }) => ref)),
      begun: new Set(),
      book,
      problems,
      bound,
      limit: pLimit(CONCURRENCY),
    };
    let isCounted = false;
    const work = Promise.all(items.map((item) => look(survey, item))).then(() => {
      isCounted = !bound.signal.aborted;
    });
    await Promise.race([work, bound.ended]);
    if (isCounted) return end();
    if (bound.reason === 'items')
      return end('too_many', `More than ${formatCount(limits.items)} items were found; the rest is not counted here.`);
    return end('vendor_timeout', lateSentence(provider.definition.label, book.sum().files));
  }

  const lateSentence = (label: string, files: number): string =>
    files === 0
      ? `${label} did not answer within ${limits.ms / 1000} seconds, so nothing of this account is counted.`
      : `${label} could not be listed to the end within ${limits.ms / 1000} seconds; the rest is not counted here.`;

  return {
    async estimate(user, input) {
      const { recursive = true, includeChildren = false, includeAttachments = false } = input;
      const scope = { recursive, includeChildren, includeAttachments, filters: cleanFilters(input.filters) };
      const ids = [...new Set(input.items.map(({ integrationId }) => integrationId))];
      const accounts = await Promise.all(ids.map((id) => integrations.get(user, id)));
      const bound = createBound(limits);
      try {
        const parts = await Promise.all(
          accounts.map((account) => {
            const own = input.items.filter(({ integrationId }) => integrationId === account.id);
            const items = [...new Map(own.map((item) => [item.ref, item])).values()];
            return countAccount(user, account, items, scope, bound);
          }),
        );
        return {
          ...addTallies(parts),
          complete: parts.every(({ complete }) => complete),
          accounts: parts.map(({ problems: _, ...account }) => account),
          problems: parts.flatMap(({ problems }) => problems),
        };
      } finally {
        bound.release();
      }
    },
  };
}
