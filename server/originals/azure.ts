import type { ContainerClient } from '@azure/storage-blob';
import type { Readable } from 'node:stream';
import type { Fetch } from '../../providers/provider.ts';
import { EgressError } from '../egress/egress.ts';
import { safeMediaType } from '../media-type.ts';
import type { AzureStorageConfig } from '../originals-config.ts';
import { azureHttpClient } from './azure-http.ts';
import { toMetadata } from './azure-labels.ts';
import { OriginalError, type OriginalStorage } from './originals.ts';

/** Larger files go up in blocks of this size, four at a time; each streams from the file. */
const BLOCK_BYTES = 8 * 1_048_576;
const BLOCKS_AT_A_TIME = 4;
const RETRY = { tries: 4, delayMs: 1000, longestDelayMs: 10_000 };
/** Times a download is taken up again where it broke off. */
const RESUMPTIONS = 3;

/**
 * Originals as block blobs of one container, which is made if it is not there. Requests to the storage go by the guarded `fetch`. Those that
 * ask Microsoft for a token where no key is given do not: the library looks for it at addresses of the machine (the metadata service) and in
 * programs beside it, which the guard refuses to everybody else.
 * Source: https://learn.microsoft.com/rest/api/storageservices/blob-service-rest-api
 */
export function createAzureStorage(
  config: AzureStorageConfig,
  deps: { fetch: Fetch; tries?: number },
): OriginalStorage {
  let client: Promise<ContainerClient> | undefined;
  let made: Promise<unknown> | undefined;
  const connect = (): Promise<ContainerClient> => (client ??= makeClient(config, deps));

  /** A signature may allow blobs only; then the container has to be there. */
  function makeContainer(container: ContainerClient): Promise<unknown> {
    made ??= container.createIfNotExists().catch((error: unknown) => {
      made = undefined;
      if ((error as { statusCode?: number }).statusCode !== 403) throw error;
    });
    return made;
  }

  return {
    place: `${config.endpoint}/${config.container}`,

    put: (name, file, labels, { signal }) =>
      told('stored', signal, async () => {
        const container = await connect();
        await makeContainer(container);
        try {
          await container.getBlockBlobClient(name).uploadFile(file, {
            blockSize: BLOCK_BYTES,
            maxSingleShotSize: BLOCK_BYTES,
            concurrency: BLOCKS_AT_A_TIME,
            // One of its own: the library leaves its listeners behind.
            abortSignal: AbortSignal.any([signal]),
            metadata: toMetadata(labels),
            blobHTTPHeaders: { blobContentType: safeMediaType(labels.mediaType), blobContentDisposition: 'attachment' },
          });
        } catch (error) {
          // It may have been deleted since.
          made = undefined;
          throw error;
        }
      }),

    open: (name, { signal, range }) =>
      told('read', signal, async () => {
        const blob = (await connect()).getBlobClient(name);
        const answer = await blob.download(range?.start, range && range.end - range.start + 1, {
          abortSignal: signal,
          maxRetryRequests: RESUMPTIONS,
        });
        return answer.readableStreamBody as Readable;
      }),

    remove: (name) =>
      told('removed', undefined, async () => {
        const blob = (await connect()).getBlobClient(name);
        await blob.deleteIfExists({ deleteSnapshots: 'include' }).catch((error: unknown) => {
          // Without its container it is gone too.
          if (codeOf(error) !== 'ContainerNotFound') throw error;
        });
      }),

    async *list() {
      const pages = (await connect()).listBlobsFlat();
      for (;;) {
        const next = await told('listed', undefined, () => pages.next());
        if (next.done) return;
        const { name, properties } = next.value;
        yield { name, modifiedAt: properties.lastModified };
      }
    },

    check: (signal) =>
      told('reached', signal, async () => {
        const exists = await (await connect()).exists({ abortSignal: signal });
        const name = `in the container ${config.container} at ${new URL(config.endpoint).host}`;
        return exists ? `${name}, which answers` : `${name}; it is made with the first one`;
      }),
  };
}

/** The libraries take a third of a second to load, so only who uses them waits for it. */
async function makeClient(
  { endpoint, container, access }: AzureStorageConfig,
  { fetch, tries = RETRY.tries }: { fetch: Fetch; tries?: number },
): Promise<ContainerClient> {
  const { AnonymousCredential, BlobServiceClient, RestError } = await import('@azure/storage-blob');
  const options = {
    httpClient: azureHttpClient(fetch, RestError),
    retryOptions: { maxTries: tries, retryDelayInMs: RETRY.delayMs, maxRetryDelayInMs: RETRY.longestDelayMs },
  };
  if (access.kind === 'connection-string')
    return BlobServiceClient.fromConnectionString(access.value.reveal(), options).getContainerClient(container);
  if (access.kind === 'signature') {
    const url = `${endpoint}?${access.query.reveal()}`;
    return new BlobServiceClient(url, new AnonymousCredential(), options).getContainerClient(container);
  }
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new BlobServiceClient(endpoint, new DefaultAzureCredential(), options).getContainerClient(container);
}

const codeOf = (error: unknown): string | undefined => {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
};

async function told<T>(done: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    signal?.throwIfAborted();
    throw toOriginalError(done, error);
  }
}

/** Without the library's error as its cause: that one holds the request with its signature. */
function toOriginalError(done: string, error: unknown): Error {
  const failed = `The original could not be ${done}:`;
  if (error instanceof EgressError) return new OriginalError('refused', `${failed} ${error.message}`);
  const { statusCode, name } = error as { statusCode?: number; name?: string };
  const code = codeOf(error);
  if (
    name === 'CredentialUnavailableError' ||
    name === 'AggregateAuthenticationError' ||
    name === 'AuthenticationError'
  )
    return new OriginalError(
      'refused',
      `${failed} the hub has no identity that Azure takes. Give it one, or set AZURE_STORAGE_CONNECTION_STRING.`,
    );
  // A fault of the hub's own belongs in the log.
  if (statusCode === undefined && name !== 'RestError') return error as Error;
  if (statusCode === undefined)
    return code === 'REQUEST_SEND_ERROR'
      ? new OriginalError('unavailable', `${failed} ${(error as Error).message}`)
      : new OriginalError('unavailable', `${failed} Azure Storage did not answer as expected.`);
  const said = code === undefined ? String(statusCode) : `${statusCode}, ${code}`;
  if (statusCode === 404 && done === 'read') return new OriginalError('missing', 'The blob is not in the container.');
  if (statusCode === 401 || statusCode === 403 || statusCode === 400)
    return new OriginalError('refused', `${failed} Azure Storage refuses the hub (${said}). See AZURE_STORAGE_…`);
  return new OriginalError('unavailable', `${failed} Azure Storage is not able to just now (${said}).`);
}
