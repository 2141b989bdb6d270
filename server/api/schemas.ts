import { z } from 'zod';
import { PLATFORMS } from '../../providers/provider.ts';
import { ITEM_STATES } from '../services/import-service.ts';
import { lastInstant, SEARCH_MODES } from '../services/search-service.ts';
import { SCHEDULE_NAMES } from '../services/sync-service.ts';
import { filtersAnswer, importFilters, instant } from './filter-schemas.ts';

// One schema for each request and each answer of the JSON API. Requests are checked with theirs before a service sees them;
// answers are built by functions whose types come from here, and the tests parse every answer with its schema.
// In answers a member that may be absent at the source is null, and one marked optional is left out.

const MAX_SELECTED = 500;

const platform = z.enum(PLATFORMS, { error: `must be one of ${PLATFORMS.join(', ')}` });
const time = z.iso.datetime();
const text = (max: number) =>
  z.string().trim().min(1, 'must not be empty').max(max, `must have at most ${max} characters`);
const fileId = z.string().min(1, 'must not be empty').max(2000, 'must have at most 2000 characters');
const every = z.enum(SCHEDULE_NAMES, { error: `must be one of ${SCHEDULE_NAMES.join(', ')}, or null` });
const cursor = z.string().max(2000).optional();

const importOptions = {
  category: text(100).nullish(),
  recursive: z
    .boolean()
    .default(true)
    .describe('Folders bring everything below them, else only the files right inside.'),
  includeChildren: z
    .boolean()
    .default(false)
    .describe('Files that hold items bring all that is below them: a page its sub-pages.'),
  includeAttachments: z.boolean().default(false).describe('Files bring what hangs on them: attachments and comments.'),
  filters: importFilters.nullish(),
};

// --- requests -------------------------------------------------------------------------------------------------------------

export const connectQuery = z.object({ format: z.enum(['json', 'redirect']).default('redirect') });

/** Of an older name of it. */
export const loginQuery = z.object({ redirect: z.enum(['true', 'false']).default('false') });

export const callbackQuery = z.object({
  state: z.string().optional(),
  code: z.string().optional(),
  error: z.string().optional(),
  error_description: z.string().optional(),
});

/** Of the fields that one of the service's forms has; which they are is the provider's to say. */
export const connectTokenRequest = z.record(z.string(), z.string('must be text'));

export const disconnectQuery = z.object({
  documents: z.enum(['keep', 'delete'], { error: 'must be keep or delete' }).default('keep'),
});

export const filesQuery = z.object({
  folder_id: z.string().max(2000).default('root'),
  cursor,
  q: z.string().trim().max(1000, 'must have at most 1000 characters').optional(),
});

export const importFilesRequest = z.strictObject({
  fileIds: z
    .array(fileId)
    .min(1, 'must name at least one file or folder')
    .max(MAX_SELECTED, `must name at most ${MAX_SELECTED} files or folders`),
  ...importOptions,
});

export const importItemsRequest = z.strictObject({
  items: z
    .array(z.strictObject({ integrationId: z.string().min(1, 'must not be empty'), fileId }))
    .min(1, 'must name at least one file or folder')
    .max(MAX_SELECTED, `must name at most ${MAX_SELECTED} files or folders`),
  ...importOptions,
});

export const importsQuery = z.object({ cursor });

const ledgerFilter = {
  state: z.enum(ITEM_STATES, { error: `must be one of ${ITEM_STATES.join(', ')}` }).optional(),
  q: z.string().trim().max(1000, 'must have at most 1000 characters').optional(),
};

export const importQuery = z.object({ cursor, ...ledgerFilter });

export const ledgerQuery = z.object(ledgerFilter);

/** A `position` that an answer gave: only what changed later is told. */
export const importEventsQuery = z.object({
  since: z
    .string()
    .regex(/^\d{1,18}$/, 'must be a position')
    .optional(),
});

export const retryRequest = z.strictObject({ itemId: z.string().min(1, 'must not be empty').optional() });

/** Null switches it off. */
export const scheduleRequest = z.strictObject({
  every: every.nullable(),
  webhooks: z.boolean().optional().describe('Whether the vendor is to call when something changes; absent: as it is.'),
});

export const removalsRequest = z.strictObject({
  answer: z.enum(['remove', 'keep'], { error: 'must be remove or keep' }),
});

export const documentsQuery = z.object({
  platform: platform.optional(),
  category: z.string().max(100).optional(),
  q: z.string().trim().max(1000, 'must have at most 1000 characters').optional(),
  cursor,
});

export const searchRequest = z.strictObject({
  query: text(1000),
  limit: z.int('must be a whole number').min(1, 'must be from 1 to 50').max(50, 'must be from 1 to 50').optional(),
  platform: platform.nullish(),
  category: text(100).nullish(),
  integrationId: z.string().min(1, 'must not be empty').nullish(),
  folder: text(2000).nullish().describe('Path as documents show it.'),
  modifiedFrom: instant
    .transform((value) => new Date(value))
    .nullish()
    .describe('Both ends included; a day begins and ends in UTC.'),
  modifiedTo: instant.transform(lastInstant).nullish(),
  mode: z.enum(SEARCH_MODES, { error: `must be one of ${SEARCH_MODES.join(', ')}` }).optional(),
});

export const askRequest = searchRequest.omit({ query: true, mode: true, limit: true }).extend({
  question: text(1000),
  limit: z.int('must be a whole number').min(1, 'must be from 1 to 20').max(20, 'must be from 1 to 20').optional(),
});

export const createTokenRequest = z.strictObject({
  name: text(100),
  expiresAt: z.iso
    .datetime({ offset: true, error: 'must be an ISO 8601 time, for example 2030-01-31T00:00:00Z' })
    .transform((value) => new Date(value))
    .refine((date) => date.getTime() > Date.now(), 'must be in the future')
    .nullish(),
});

export const createUserRequest = z.strictObject({
  email: z.string(),
  name: z.string(),
  password: z.string(),
  role: z.enum(['admin', 'member'], { error: 'must be admin or member' }).default('member'),
});

// --- answers --------------------------------------------------------------------------------------------------------------

/** RFC 9457 problem details, the answer to every failed call. Source: https://www.rfc-editor.org/rfc/rfc9457 */
export const problemAnswer = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  requestId: z.string(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
});

export const integrationAnswer = z.strictObject({
  id: z.uuid(),
  platform,
  connected: z.literal(true),
  status: z.enum(['active', 'needs_reconnect', 'missing_scope', 'disconnecting']),
  accountId: z.string(),
  accountEmail: z.string().nullable(),
  accountName: z.string().nullable(),
  site: z.url().optional().describe('Address of the one site that an account connected with a token belongs to.'),
  scopes: z.array(z.string()),
  connectedAt: time,
  lastSyncAt: time.nullable(),
  throttledUntil: time.nullable().describe('While the vendor asks for a pause: when work goes on by itself.'),
});

/** A platform without an account. */
export const unconnectedAnswer = z.strictObject({
  platform,
  connected: z.literal(false),
  configured: z.boolean(),
  missing: z.strictObject({ clientId: z.boolean(), clientSecret: z.boolean() }),
});

export const integrationsAnswer = z.strictObject({
  integrations: z.array(z.discriminatedUnion('connected', [integrationAnswer, unconnectedAnswer])),
});

export const connectAnswer = z.strictObject({ url: z.url() });

export const callbackAnswer = z.strictObject({
  success: z.literal(true),
  message: z.string(),
  integration: integrationAnswer,
});

export const tokenConnectedAnswer = z.strictObject({ integration: integrationAnswer });

export const disconnectAnswer = z.strictObject({
  success: z.literal(true),
  revoked: z.boolean(),
  manualRevokeUrl: z.url().optional(),
  documents: z.strictObject({ kept: z.int(), deleted: z.int() }),
});

export const fileAnswer = z.strictObject({
  id: z.string(),
  name: z.string(),
  mimeType: z.string(),
  size: z.int().optional(),
  modifiedTime: time.optional(),
  webViewLink: z.string().optional(),
  isFolder: z.boolean(),
  hasChildren: z
    .literal(true)
    .optional()
    .describe('A file that also holds items: they are listed as those of a folder are.'),
  parentId: z.string().optional(),
  importable: z.boolean(),
  reason: z.string().optional(),
});

export const filesAnswer = z.strictObject({
  files: z.array(fileAnswer),
  nextCursor: z.string().optional(),
  breadcrumbs: z.array(z.strictObject({ id: z.string(), name: z.string() })),
});

export const importStartedAnswer = z.strictObject({
  success: z.literal(true),
  importId: z.uuid(),
  message: z.string(),
});

/** `success` is true when the import finished and none of its items failed. */
export const importDoneAnswer = z.strictObject({
  success: z.boolean(),
  message: z.string(),
  importId: z.uuid(),
  documents: z.array(z.strictObject({ id: z.uuid(), title: z.string(), source_type: platform, chunk_count: z.int() })),
});

const count = z.int().min(0);

const stage = z.enum(['listing', 'downloading', 'reading', 'embedding', 'saving']);

const importProgress = z.strictObject({
  stages: z
    .strictObject({ listing: count, downloading: count, reading: count, embedding: count, saving: count })
    .describe('How many items are at each stage of the work, over all workers.'),
  ratePerMinute: z.number().min(0).describe('By the last minute.'),
  bytesPerSecond: z.int().min(0),
  etaSeconds: z.int().nullable().describe('Null while it cannot be said.'),
  current: z.array(z.strictObject({ name: z.string(), stage })).describe('A few of the items in work.'),
  throttledUntil: time.nullable().describe('While a service that the import waits for asks for a pause.'),
  throttledBy: z.string().nullable(),
});

export const importSummaryAnswer = z.strictObject({
  id: z.uuid(),
  kind: z.enum(['import', 'sync']),
  integrationId: z.uuid().optional().describe('Of a sync, as long as its account is connected.'),
  status: z.enum(['running', 'finished', 'cancelled', 'failed']),
  problem: z.string().optional().describe('Why it failed as a whole.'),
  held: z.boolean().describe('A sync that waits to be told whether it may remove so many documents.'),
  category: z.string().nullable(),
  filters: filtersAnswer.optional(),
  /** `total` is the sum of the others. */
  counts: z.strictObject({
    total: count,
    waiting: count,
    running: count,
    indexed: count,
    unchanged: count,
    skipped: count,
    failed: count,
    removed: count,
  }),
  listed: count
    .nullable()
    .describe(
      'Items that were named so far, counted apart from the rows. Null for imports from before this was counted.',
    ),
  mismatch: z.string().optional().describe('Of an import that has ended: `listed` and `counts.total` differ.'),
  outcome: z.string().optional().describe('Of an import that has ended and brought nothing new: why.'),
  foldersWaiting: count.describe('Folders still to be listed: while above zero, `total` grows.'),
  progress: importProgress.optional().describe('While it runs; not in lists.'),
  startedAt: time,
  finishedAt: time.nullable(),
});

const documentName = z.strictObject({ id: z.uuid(), title: z.string() });

export const importItemAnswer = z.strictObject({
  id: z.uuid(),
  name: z.string(),
  path: z.string(),
  status: z.enum(ITEM_STATES),
  reason: z.string().optional(),
  reasonCode: z.string().optional(),
  documentId: z.uuid().optional(),
  sameContentAs: documentName.optional().describe('The oldest other document with the same bytes.'),
  chunkCount: z.int().optional(),
  sizeBytes: z.int().optional(),
  attempts: z.int(),
});

/** What a held sync asks: `count` of `of` followed documents would go; the examples are the first 20 by path. */
export const removalsAnswer = z.strictObject({
  count,
  of: count,
  examples: z.array(z.strictObject({ id: z.uuid(), title: z.string(), path: z.string() })),
});

export const importAnswer = importSummaryAnswer.extend({
  removals: removalsAnswer.optional(),
  position: z.string().describe('For `since` of the events: what changes from here on.'),
  items: z.array(importItemAnswer),
  nextCursor: z.string().optional(),
});

export const importsAnswer = z.strictObject({
  imports: z.array(importSummaryAnswer),
  nextCursor: z.string().optional(),
});

export const cancelAnswer = z.strictObject({ success: z.literal(true), importId: z.uuid(), message: z.string() });

export const retryAnswer = z.strictObject({
  success: z.literal(true),
  importId: z.uuid(),
  retried: z.int(),
  message: z.string(),
});

export const documentAnswer = z.strictObject({
  id: z.uuid(),
  title: z.string(),
  path: z.string(),
  source_type: platform,
  category: z.string().nullable(),
  mimeType: z.string(),
  sizeBytes: z.int().nullable(),
  chunkCount: z.int(),
  url: z.string().nullable(),
  version: z.string().nullable(),
  contentHash: z.string(),
  importedAt: time,
  modifiedAt: time.nullable(),
  integrationId: z.uuid().nullable().describe('Null once the integration was disconnected with its documents kept.'),
  details: z
    .record(z.string(), z.union([z.string(), z.array(z.string())]))
    .describe('What the service says of it beside its text: "Space", "Author", "Labels".'),
});

export const documentDetailAnswer = documentAnswer.extend({
  sameContentAs: documentName.nullable().describe('The oldest other document of the caller with the same bytes.'),
  hasOriginal: z.boolean().describe('The bytes that were imported can be downloaded.'),
  text: z.string(),
  chunks: z.array(
    z.strictObject({
      ordinal: z.int(),
      text: z.string(),
      headingPath: z.array(z.string()),
      page: z.int().nullable(),
      tokenCount: z.int(),
    }),
  ),
});

export const documentsAnswer = z.strictObject({
  documents: z.array(documentAnswer),
  nextCursor: z.string().optional(),
});

/** How a vendor's calls stand; null where the service makes none. */
const webhookStatus = z
  .strictObject({
    possible: z.boolean(),
    reason: z.string().nullable().describe('Why not.'),
    address: z.url(),
    byHand: z.boolean().describe('The operator registers the address at the vendor.'),
    setUp: z.string().nullable(),
    watching: z.int(),
    unwatched: z.int(),
    renewsAt: time.nullable(),
    heard: z.int(),
    heardAt: time.nullable(),
    problem: z.string().nullable(),
    triedAgainAt: time.nullable(),
  })
  .nullable();

export const scheduleAnswer = z.strictObject({
  every: every.nullable(),
  nextAt: time.nullable(),
  webhooks: z.boolean(),
  webhookStatus,
});

export const selectionsAnswer = z.strictObject({
  selections: z.array(
    z.strictObject({
      id: z.uuid(),
      fileId: z.string(),
      name: z.string(),
      path: z.string(),
      category: z.string().nullable(),
      recursive: z.boolean(),
      includeChildren: z.boolean(),
      includeAttachments: z.boolean(),
      filters: filtersAnswer.optional(),
      createdAt: time,
    }),
  ),
});

export const syncAnswer = z.strictObject({ importId: z.uuid() });

/** Where a passage stands. */
const passagePlace = {
  documentId: z.uuid(),
  title: z.string(),
  url: z.string().nullable(),
  sourceType: platform,
  path: z.string(),
  headingPath: z.array(z.string()),
  page: z.int().nullable(),
};

export const searchAnswer = z.strictObject({
  notice: z.string().optional().describe('Why the results are by words alone although more was asked for.'),
  results: z.array(
    z.strictObject({
      ...passagePlace,
      text: z.string(),
      score: z.number(),
      confidence: z.number(),
    }),
  ),
});

/** The same, with the path of its place on the hub. */
const place = { ...passagePlace, href: z.string() };

/** Also the data of the event `done`. */
export const askAnswer = z.strictObject({
  answer: z.string(),
  supported: z.boolean(),
  confidence: z.number(),
  by: z.enum(['model', 'extracts', 'nothing']),
  notice: z.string().optional().describe('What is to be known of the answer.'),
  problem: z
    .strictObject({ code: z.string(), detail: z.string(), retryAt: time.optional() })
    .optional()
    .describe('Why the model did not write it, or not to its end.'),
  unsupported: z.array(z.string()).describe('Sentences of the answer that no passage bears out.'),
  citations: z.array(z.strictObject({ number: z.int(), ...place, quote: z.string(), confidence: z.number() })),
  lookedAt: z.array(z.strictObject(place)).describe('The passages that were looked at, best first.'),
});

/** The only answer that holds a token; it is never shown again. */
export const createdTokenAnswer = z.strictObject({ id: z.uuid(), name: z.string(), token: z.string() });

export const tokensAnswer = z.strictObject({
  tokens: z.array(
    z.strictObject({
      id: z.uuid(),
      name: z.string(),
      createdAt: time,
      expiresAt: time.nullable(),
      lastUsedAt: time.nullable(),
    }),
  ),
});

export const userAnswer = z.strictObject({
  id: z.uuid(),
  email: z.string(),
  name: z.string(),
  role: z.enum(['admin', 'member']),
});

export const usersAnswer = z.strictObject({
  users: z.array(userAnswer.extend({ createdAt: time, disabledAt: time.nullable() })),
});
