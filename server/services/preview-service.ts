import type { Item, OpenedFile, Platform, Provider } from '../../providers/provider.ts';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { AppError } from '../errors.ts';
import { ContentError, type Format } from '../pipeline/normalized.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { tooLarge } from '../pipeline/spool.ts';
import type { ConnectionService } from './connection-service.ts';
import { withImported, type BrowseItem } from './imported-before.ts';
import type { Integration, IntegrationService } from './integration-service.ts';
import { ancestorsOf, type Crumb } from './item-path.ts';
import { toAppError } from './provider-failures.ts';
import type { User } from './user-service.ts';
import { createAskVendor, providerOf } from './vendor-question.ts';

/** The beginning of a file's text, as an import would read it. */
export type PreviewText = {
  format: Format;
  passages: number;
  /** At most 20,000 characters. */
  text: string;
  /** Of the whole text. */
  characters: number;
};

export type Preview = {
  integration: Integration;
  item: BrowseItem;
  /** From the root down, the item left out. */
  above: Crumb[];
  /** What the vendor says of the document; known once it was opened. */
  details: Record<string, string | string[]>;
  text?: PreviewText;
  /** Why there is no text. `retry`: another try may give it. */
  problem?: { message: string; code: string; retry: boolean };
};

export type PreviewService = {
  /**
   * What is known of an item, and the beginning of its text where it is a file that can be imported. The file is fetched and read as an import
   * does, within a size and a time; nothing of it is kept. Errors: as of BrowseService `list`; what goes wrong with the text alone is in the result.
   */
  preview(user: User, integrationId: string, ref: string, signal: AbortSignal): Promise<Preview>;
};

const MAX_BYTES = 10 * 1_048_576;
const MAX_CHARACTERS = 20_000;
const TIMEOUT_MS = 20_000;
/** Readers are shared with imports, which must not stand still for people who look about. */
const MAX_AT_ONCE = 3;

export function createPreviewService(deps: {
  config: Config;
  database: Database;
  integrations: IntegrationService;
  providers: Map<Platform, Provider>;
  connections: ConnectionService;
  pipeline: Pipeline;
  /** Milliseconds that fetching and reading may take together. */
  timeoutMs?: number;
}): PreviewService {
  const { config, database, integrations, providers, connections, pipeline, timeoutMs = TIMEOUT_MS } = deps;
  const ask = createAskVendor(deps);
  let running = 0;

  type Read = Pick<Preview, 'details' | 'text' | 'problem'>;

  async function read(integration: Integration, item: Item, asked: AbortSignal): Promise<Read> {
    if (item.kind === 'folder') return { details: {} };
    if (!item.importable) {
      const message = item.reason ?? 'This item has no content to import.';
      return { details: {}, problem: { message, code: 'not_importable', retry: false } };
    }
    const { sizeBytes = 0 } = item;
    if (sizeBytes > config.maxFileBytes) return { details: {}, problem: tooBig(tooLarge(config.maxFileBytes).message) };
    if (sizeBytes > MAX_BYTES) return { details: {}, problem: tooBig(TOO_BIG_TO_PREVIEW) };
    if (running >= MAX_AT_ONCE) return { details: {}, problem: BUSY };
    running++;
    try {
      return await fetchAndRead(integration, item, asked);
    } finally {
      running--;
    }
  }

  async function fetchAndRead(integration: Integration, item: Item, asked: AbortSignal): Promise<Read> {
    const provider = providerOf(providers, integration);
    const late = AbortSignal.timeout(timeoutMs);
    const stop = new AbortController();
    const onAbort = (): void => stop.abort(new Error('Nobody waits for the preview any more.'));
    asked.addEventListener('abort', onAbort, { once: true });
    const signal = AbortSignal.any([late, stop.signal]);
    let opened: OpenedFile | undefined;
    let hasArrived = false;
    try {
      opened = await provider.open(connections.open(integration, signal), item.ref, { signal });
      const prepared = await pipeline.prepare(opened, {
        title: item.name,
        signal,
        maxFileBytes: MAX_BYTES,
        onArrived: async () => {
          hasArrived = true;
          // To break off a reader costs more than to let it end.
          asked.removeEventListener('abort', onAbort);
        },
      });
      return { details: opened.details ?? {}, text: beginningOf(prepared) };
    } catch (error) {
      const details = opened?.details ?? {};
      if (late.aborted) return { details, problem: lateProblem(timeoutMs) };
      if (error instanceof ContentError) {
        const isOverPreview = error.code === 'too_large' && !hasArrived && config.maxFileBytes > MAX_BYTES;
        return { details, problem: isOverPreview ? tooBig(TOO_BIG_TO_PREVIEW) : contentProblem(error) };
      }
      await connections.noteFailure(integration, error);
      const known = toAppError(error);
      if (!(known instanceof AppError)) throw known;
      return { details, problem: { message: known.message, code: known.code, retry: true } };
    } finally {
      asked.removeEventListener('abort', onAbort);
    }
  }

  return {
    async preview(user, integrationId, ref, signal) {
      const integration = await integrations.get(user, integrationId);
      const { found, above } = await ask(integration, async (provider, connection) => {
        const place = await provider.get(connection, ref);
        return { found: place, above: await ancestorsOf(provider, connection, place) };
      });
      const [[item], rest] = await Promise.all([
        withImported(database.current(), integration.id, [found]),
        read(integration, found, signal),
      ]);
      return { integration, item: item!, above, ...rest };
    },
  };
}

const TOO_BIG_TO_PREVIEW =
  'The file is larger than 10 MB, so it is not previewed. It can be imported all the same; its text is then on the document’s page.';

const tooBig = (message: string): NonNullable<Preview['problem']> => ({ message, code: 'too_large', retry: false });

const BUSY: Preview['problem'] = {
  message: 'Several previews are being read at this moment. Try again in a few seconds.',
  code: 'busy',
  retry: true,
};

const lateProblem = (ms: number): Preview['problem'] => ({
  message: `The text was not there within ${ms / 1000} seconds: the service is slow, or imports keep the readers busy. Try again, or import the file, which takes the time it needs.`,
  code: 'timeout',
  retry: true,
});

/** Another try may help where bytes were lost on the way; the rest are properties of the file. */
const contentProblem = ({ code, message }: ContentError): Preview['problem'] => ({
  message,
  code,
  retry: code === 'incomplete',
});

/** Cut between characters, never within one. */
function beginningOf(prepared: { format: Format; text: string; chunks: unknown[] }): PreviewText {
  const { format, text, chunks } = prepared;
  const cut = text.slice(0, MAX_CHARACTERS).replace(/[\uD800-\uDBFF]$/, '');
  return { format, passages: chunks.length, text: cut, characters: text.length };
}
