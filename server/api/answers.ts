import type { z } from 'zod';
import type { Item } from '../../providers/provider.ts';
import type { BrowsePage } from '../services/browse-service.ts';
import type { DocumentDetail, DocumentHead, DocumentSummary } from '../services/document-service.ts';
import type { Estimate } from '../services/estimate-service.ts';
import type { Tally } from '../services/estimate-tally.ts';
import type { ImportItem, ImportSummary } from '../services/import-service.ts';
import type { ImportProgress } from '../services/import-progress.ts';
import type { Integration, PlatformOverview } from '../services/integration-service.ts';
import { isClaim, type Answer as AskAnswer } from '../services/ask-service.ts';
import { paths } from '../paths.ts';
import type { SearchResult } from '../services/search-service.ts';
import type { HeldRemovals, Schedule, Selection } from '../services/sync-service.ts';
import type { WebhookStatus } from '../services/webhook-service.ts';
import type { ApiToken } from '../services/token-service.ts';
import type { User } from '../services/user-service.ts';
import type { estimateAnswer } from './filter-schemas.ts';
import type * as schemas from './schemas.ts';

type Answer<S extends z.ZodType> = z.output<S>;

const time = (date: Date | null | undefined): string | null => date?.toISOString() ?? null;

/** An account as the API shows it. */
export function toIntegration(integration: Integration): Answer<typeof schemas.integrationAnswer> {
  return {
    id: integration.id,
    platform: integration.platform,
    connected: true,
    status: integration.status,
    accountId: integration.accountId,
    accountEmail: integration.accountEmail ?? null,
    accountName: integration.accountName ?? null,
    site: integration.site?.url,
    scopes: integration.scopes,
    connectedAt: integration.connectedAt.toISOString(),
    lastSyncAt: time(integration.lastSyncAt),
    throttledUntil: time(integration.throttledUntil),
  };
}

/** Every account, and each platform without one once. */
export function toIntegrations(overview: PlatformOverview[]): Answer<typeof schemas.integrationsAnswer> {
  return {
    integrations: overview.flatMap<Answer<typeof schemas.integrationsAnswer>['integrations'][number]>((platform) =>
      platform.integrations.length > 0
        ? platform.integrations.map(toIntegration)
        : [
            {
              platform: platform.definition.id,
              connected: false,
              configured: platform.configured,
              missing: { clientId: platform.missing.clientId, clientSecret: platform.missing.clientSecret },
            },
          ],
    ),
  };
}

/** One file or folder at the vendor. */
export function toFile(item: Item): Answer<typeof schemas.fileAnswer> {
  return {
    id: item.ref,
    name: item.name,
    mimeType: item.mediaType,
    size: item.sizeBytes,
    modifiedTime: item.modifiedAt?.toISOString(),
    webViewLink: item.webUrl,
    isFolder: item.kind === 'folder',
    hasChildren: item.hasChildren || undefined,
    parentId: item.parentRef,
    importable: item.importable,
    reason: item.reason,
  };
}

/** One page of a folder or of a search at the vendor. */
export function toFiles(page: BrowsePage): Answer<typeof schemas.filesAnswer> {
  return {
    files: page.items.map(toFile),
    nextCursor: page.next,
    breadcrumbs: page.breadcrumbs.map(({ ref, name }) => ({ id: ref, name })),
  };
}

/** An import without its items; the data of `progress` and `done` events too. */
export function toImportSummary(summary: ImportSummary): Answer<typeof schemas.importSummaryAnswer> {
  const { total, waiting, running, indexed, unchanged, skipped, failed, removed } = summary.counts;
  return {
    id: summary.id,
    kind: summary.kind,
    integrationId: summary.integrationId,
    status: summary.status,
    problem: summary.problem,
    held: summary.held,
    category: summary.category ?? null,
    filters: summary.filters,
    counts: { total, waiting, running, indexed, unchanged, skipped, failed, removed },
    listed: summary.listed ?? null,
    mismatch: summary.mismatch,
    outcome: summary.outcome,
    foldersWaiting: summary.foldersWaiting,
    progress: summary.progress && toProgress(summary.progress),
    startedAt: summary.startedAt.toISOString(),
    finishedAt: time(summary.finishedAt),
  };
}

/** What an import would find. */
export function toEstimate(estimate: Estimate): Answer<typeof estimateAnswer> {
  return {
    complete: estimate.complete,
    ...toTally(estimate),
    accounts: estimate.accounts.map(({ integration, complete, ...tally }) => ({
      integrationId: integration.id,
      platform: integration.platform,
      complete,
      ...toTally(tally),
    })),
    problems: estimate.problems,
  };
}

const toTally = (tally: Tally): Tally => ({
  files: tally.files,
  bytes: tally.bytes,
  importable: tally.importable,
  importableBytes: tally.importableBytes,
  sizeUnknown: tally.sizeUnknown,
  unchanged: tally.unchanged,
  filtered: tally.filtered,
  unsupported: tally.unsupported,
});

function toProgress(progress: ImportProgress): NonNullable<Answer<typeof schemas.importSummaryAnswer>['progress']> {
  const { stages, ratePerMinute, bytesPerSecond, etaSeconds, current } = progress;
  return {
    stages,
    ratePerMinute,
    bytesPerSecond,
    etaSeconds,
    current: current.map(({ name, stage }) => ({ name, stage })),
    throttledUntil: time(progress.throttledUntil),
    throttledBy: progress.throttledBy ?? null,
  };
}

/** What a held sync asks. */
export function toRemovals({ count, of, examples }: HeldRemovals): Answer<typeof schemas.removalsAnswer> {
  return { count, of, examples: examples.map(({ id, title, path }) => ({ id, title, path })) };
}

/** How often an account is synced. */
export function toSchedule(
  { every, nextAt }: Schedule,
  status: WebhookStatus | undefined,
): Answer<typeof schemas.scheduleAnswer> {
  return {
    every,
    nextAt: time(nextAt),
    webhooks: status?.wanted ?? false,
    webhookStatus: status
      ? {
          possible: status.impossible === undefined,
          reason: status.impossible ?? null,
          address: status.address,
          byHand: status.byHand,
          setUp: status.setUp ?? null,
          watching: status.watching,
          unwatched: status.unwatched,
          renewsAt: time(status.renewsAt),
          heard: status.heard,
          heardAt: time(status.heardAt),
          problem: status.problem ?? null,
          triedAgainAt: time(status.triedAgainAt),
        }
      : null,
  };
}

/** What is followed of an account. */
export function toSelections(selections: Selection[]): Answer<typeof schemas.selectionsAnswer> {
  return {
    selections: selections.map((selection) => ({
      id: selection.id,
      fileId: selection.ref,
      name: selection.name,
      path: selection.path,
      category: selection.category ?? null,
      recursive: selection.recursive,
      includeChildren: selection.includeChildren,
      includeAttachments: selection.includeAttachments,
      filters: selection.filters,
      createdAt: selection.createdAt.toISOString(),
    })),
  };
}

/** One row of the ledger; the data of `item` events too. */
export function toImportItem(item: ImportItem): Answer<typeof schemas.importItemAnswer> {
  return {
    id: item.id,
    name: item.name,
    path: item.path,
    status: item.state,
    reason: item.reason,
    reasonCode: item.reasonCode,
    documentId: item.documentId,
    sameContentAs: item.sameAs,
    chunkCount: item.chunkCount,
    sizeBytes: item.sizeBytes,
    attempts: item.attempts,
  };
}

/** A document without its text. */
export function toDocument(document: DocumentSummary): Answer<typeof schemas.documentAnswer> {
  return {
    id: document.id,
    title: document.title,
    path: document.path,
    source_type: document.platform,
    category: document.category ?? null,
    mimeType: document.mediaType,
    sizeBytes: document.sizeBytes ?? null,
    chunkCount: document.chunkCount,
    url: document.url ?? null,
    version: document.version ?? null,
    contentHash: document.contentHash,
    importedAt: document.importedAt.toISOString(),
    modifiedAt: time(document.modifiedAt),
    integrationId: document.integrationId ?? null,
    details: document.details,
  };
}

/** A document with what only it itself tells, without its text and chunks. */
export function toDocumentHead(
  document: DocumentHead,
): Omit<Answer<typeof schemas.documentDetailAnswer>, 'text' | 'chunks'> {
  return {
    ...toDocument(document),
    sameContentAs: document.sameAs ?? null,
    hasOriginal: document.hasOriginal,
  };
}

/** A document with its text and chunks. */
export function toDocumentDetail(document: DocumentDetail): Answer<typeof schemas.documentDetailAnswer> {
  return {
    ...toDocumentHead(document),
    text: document.text,
    chunks: document.chunks.map(({ ordinal, text, headingPath, page, tokenCount }) => ({
      ordinal,
      text,
      headingPath,
      page: page ?? null,
      tokenCount,
    })),
  };
}

/** Passages, best first. */
export function toSearch(results: SearchResult[], notice?: string): Answer<typeof schemas.searchAnswer> {
  return {
    notice,
    results: results.map((result) => ({
      ...toPassagePlace(result),
      text: result.text,
      score: result.score,
      confidence: result.confidence,
    })),
  };
}

/** An answer and what bears it out. */
export function toAnswer(answer: AskAnswer): Answer<typeof schemas.askAnswer> {
  const { problem, statements } = answer;
  return {
    answer: answer.text,
    supported: answer.supported,
    confidence: answer.confidence,
    by: answer.by,
    notice: answer.notice,
    problem: problem && {
      code: problem.code,
      detail: problem.message,
      retryAt: problem.retryAt?.toISOString(),
    },
    unsupported:
      answer.by === 'model'
        ? statements.filter((one) => isClaim(one) && one.cites.length === 0).map(({ text }) => text)
        : [],
    citations: answer.citations.map(({ number, passage, quote, confidence }) => ({
      number,
      ...toPlace(passage),
      quote,
      confidence,
    })),
    lookedAt: answer.lookedAt.map(toPlace),
  };
}

const toPlace = (passage: SearchResult): Answer<typeof schemas.askAnswer>['lookedAt'][number] => ({
  ...toPassagePlace(passage),
  href: paths.documentChunk(passage.documentId, passage.ordinal),
});

/** Where a passage stands. */
const toPassagePlace = (passage: SearchResult) => ({
  documentId: passage.documentId,
  title: passage.title,
  url: passage.url ?? null,
  sourceType: passage.sourceType,
  path: passage.path,
  headingPath: passage.headingPath,
  page: passage.page ?? null,
});

/** The caller's API tokens, never their values. */
export function toTokens(tokens: ApiToken[]): Answer<typeof schemas.tokensAnswer> {
  return {
    tokens: tokens.map((token) => ({
      id: token.id,
      name: token.name,
      createdAt: token.createdAt.toISOString(),
      expiresAt: time(token.expiresAt),
      lastUsedAt: time(token.lastUsedAt),
    })),
  };
}

/** One user. */
export function toUser({ id, email, name, role }: User): Answer<typeof schemas.userAnswer> {
  return { id, email, name, role };
}

/** Every user of the hub. */
export function toUsers(users: (User & { createdAt: Date; disabledAt?: Date })[]): Answer<typeof schemas.usersAnswer> {
  return {
    users: users.map((user) => ({
      ...toUser(user),
      createdAt: user.createdAt.toISOString(),
      disabledAt: time(user.disabledAt),
    })),
  };
}
