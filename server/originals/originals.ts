import path from 'node:path';
import type { Readable } from 'node:stream';
import type { Fetch, Platform } from '../../providers/provider.ts';
import type { OriginalsConfig } from '../originals-config.ts';
import { createAzureStorage } from './azure.ts';
import { createDiskStorage } from './disk.ts';

/** What is kept beside the bytes, for people and programs that meet the object without the hub. */
export type OriginalLabels = {
  title: string;
  source: Platform;
  /** The service's own name of the file or page. */
  pageId: string;
  url?: string;
  mediaType: string;
};

/**
 * `missing`: the object is not there. `refused`: the storage does not let the hub do it, and will not by itself. `unavailable`: it may work
 * later.
 */
export type OriginalProblem = 'missing' | 'refused' | 'unavailable';

/** Why a storage did not do something: `message` is a sentence without keys, addresses' queries or paths of the machine. */
export class OriginalError extends Error {
  readonly kind: OriginalProblem;

  constructor(kind: OriginalProblem, message: string) {
    super(message);
    this.name = 'OriginalError';
    this.kind = kind;
  }
}

/**
 * Where objects are kept under random names (UUIDs). Errors of all methods: OriginalError; the signal's reason when aborted.
 */
export type OriginalStorage = {
  /** What rows call it: `disk`, or the container's address. */
  place: string;
  /** Streams a file there. The object is there whole or not at all; one of that name is replaced. */
  put(name: string, file: string, labels: OriginalLabels, options: { signal: AbortSignal }): Promise<void>;
  /** The bytes, or those from `start` to `end`, which counts too. Errors while it is read: the stream's. */
  open(name: string, options: { signal: AbortSignal; range?: { start: number; end: number } }): Promise<Readable>;
  /** Done also when there is no such object. */
  remove(name: string): Promise<void>;
  /** Names of all objects. */
  list(): AsyncIterable<{ name: string; modifiedAt: Date }>;
  /** Looks without changing anything. Gives what is to be said of it: "in the container … of …, which answers". */
  check(signal: AbortSignal): Promise<string>;
};

/** The storages that the configuration knows, and the one of them that takes what is imported, if any. */
export type OriginalStorages = { takes?: OriginalStorage; byPlace: Map<string, OriginalStorage> };

/** `fetch` must be the guarded one. `tries`: how often a request to Azure is made at most. */
export function createOriginalStorages(
  config: { originals: OriginalsConfig; dataDir: string },
  deps: { fetch: Fetch; tries?: number },
): OriginalStorages {
  const { keep, azure } = config.originals;
  const disk = createDiskStorage(path.join(config.dataDir, 'originals'));
  const container = azure && createAzureStorage(azure, deps);
  return {
    takes: { none: undefined, disk, azure: container }[keep],
    byPlace: new Map([disk, ...(container ? [container] : [])].map((storage) => [storage.place, storage])),
  };
}
