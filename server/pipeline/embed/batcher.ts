import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { SearchIndex } from '../../index/index.ts';
import type { Chunk } from '../pipeline.ts';
import { EmbeddingError, type Embedder } from './embedder.ts';

/** What is embedded of a chunk. */
export type Embeddable = Pick<Chunk, 'textHash' | 'embedText' | 'tokenCount'>;

/** Sees to it that texts of documents are embedded. One for a process. */
export type EmbeddingBatcher = {
  /**
   * Returns when every text's embedding is stored, whether it was before, is now, or was wanted by somebody else at the same time. A
   * caller that aborts leaves at once; its texts that were not sent are not sent. Errors: EmbeddingError; the signal's reason.
   */
  store(texts: Embeddable[], options: { signal: AbortSignal }): Promise<void>;
  /** Breaks off what is under way, and returns when nothing is. */
  close(): Promise<void>;
};

type Entry = Embeddable & {
  since: number;
  /** Documents that want it. */
  callers: number;
  done: Promise<void>;
  settle(error?: Error): void;
};
/** How it goes with one batch: texts taken and refused, and the most that were taken at once. */
type Batch = { signal: AbortSignal; divided: boolean; accepted: number; refused: number; largest: number };

/** Hashes that are looked up at a time. */
const LOOK_UP = 2000;
/** So many texts refused one by one, and none taken: it may not be the texts' fault. */
const ENOUGH_REFUSED = 4;

/**
 * Gathers the texts of all documents in work. One request is under way at a time, and what gathers meanwhile makes the next batch, filled to the
 * embedder's limits. A batch's vectors are stored before its callers go on and before the next one begins: a process that is killed
 * repeats one batch at most.
 */
export function createEmbeddingBatcher(deps: {
  embedder: Embedder;
  index: Pick<SearchIndex, 'knownEmbeddings' | 'storeEmbeddings'>;
  logger: Logger;
}): EmbeddingBatcher {
  const { embedder, index, logger } = deps;
  const { limits } = embedder;
  /** By hash, from the moment a text is wanted until it is stored: whoever wants it meanwhile shares it. */
  const entries = new Map<string, Entry>();
  /** Known not to be stored, in the order they came. */
  const waiting = new Set<Entry>();
  const closing = new AbortController();
  const looking = new Set<Promise<void>>();
  let working: Promise<void> | undefined;
  let underWay: { entries: Set<Entry>; controller: AbortController } | undefined;
  // A server that takes fewer texts at a time than it should is not asked to take more again.
  let mostTexts = limits.texts;

  function want(text: Embeddable): { entry: Entry; isNew: boolean } {
    const known = entries.get(text.textHash);
    if (known) {
      known.callers += 1;
      return { entry: known, isNew: false };
    }
    const { promise, resolve, reject } = deferred();
    const entry: Entry = {
      ...text,
      since: Date.now(),
      callers: 1,
      done: promise,
      settle(error) {
        forget(entry);
        if (error) reject(error);
        else resolve();
      },
    };
    entries.set(text.textHash, entry);
    return { entry, isNew: true };
  }

  function forget(entry: Entry): void {
    waiting.delete(entry);
    if (entries.get(entry.textHash) === entry) entries.delete(entry.textHash);
  }

  function leave(entry: Entry): void {
    entry.callers -= 1;
    if (entry.callers > 0) return;
    // What is sent already is forgotten with its whole batch, or stored although nobody waits.
    if (!underWay?.entries.has(entry)) forget(entry);
  }

  /** Breaks the batch off that nobody waits for any more. Who wants its texts from now on has them sent again. */
  function breakOffAbandoned(): void {
    if (!underWay || [...underWay.entries].some(({ callers }) => callers > 0)) return;
    underWay.entries.forEach(forget);
    underWay.controller.abort(new Error('nobody waits for these texts any more'));
  }

  /** Texts whose embedding is stored are done; the others wait for a batch. */
  async function lookUp(fresh: Entry[]): Promise<void> {
    try {
      for (let from = 0; from < fresh.length; from += LOOK_UP) {
        const part = fresh.slice(from, from + LOOK_UP);
        const known = await index.knownEmbeddings(
          part.map(({ textHash }) => textHash),
          embedder.id,
        );
        for (const entry of part) {
          if (known.has(entry.textHash)) entry.settle();
          else if (entry.callers > 0) waiting.add(entry);
        }
        work();
      }
    } catch (error) {
      for (const entry of fresh) entry.settle(toError(error));
    }
  }

  function work(): void {
    if (working || waiting.size === 0) return;
    working = (async () => {
      while (waiting.size > 0) {
        await gather();
        const batch = nextBatch();
        if (batch.length > 0) await run(batch);
      }
    })().finally(() => {
      working = undefined;
      work();
    });
  }

  /** A request that was waited for long enough goes out at once; only after an idle time the first text waits for company. */
  async function gather(): Promise<void> {
    const [oldest] = waiting;
    const leftMs = (oldest?.since ?? 0) + limits.gatherMs - Date.now();
    if (leftMs > 0) await sleep(leftMs, undefined, { signal: closing.signal }).catch(() => undefined);
  }

  function nextBatch(): Entry[] {
    const batch: Entry[] = [];
    let tokens = 0;
    for (const entry of waiting) {
      const isFull = batch.length >= mostTexts || (batch.length > 0 && tokens + entry.tokenCount > limits.tokens);
      if (isFull) break;
      waiting.delete(entry);
      batch.push(entry);
      tokens += entry.tokenCount;
    }
    return batch;
  }

  async function run(sent: Entry[]): Promise<void> {
    const controller = new AbortController();
    underWay = { entries: new Set(sent), controller };
    const signal = AbortSignal.any([controller.signal, closing.signal]);
    const batch: Batch = { signal, divided: false, accepted: 0, refused: 0, largest: 0 };
    try {
      await send(batch, sent);
      // Divided, and yet every text was taken: there were only too many of them.
      if (batch.divided && batch.refused === 0 && batch.largest > 0) mostTexts = batch.largest;
    } catch (error) {
      for (const entry of sent) entry.settle(toError(error));
    } finally {
      underWay = undefined;
    }
  }

  /** Embeds and stores; what the server refuses is divided, until it is known which text is the one. */
  async function send(batch: Batch, all: Entry[]): Promise<void> {
    // Meanwhile a document may have failed by another of its texts.
    const part = all.filter(({ callers }) => callers > 0);
    all.filter(({ callers }) => callers === 0).forEach(forget);
    if (part.length === 0) return;
    const started = performance.now();
    let vectors: Float32Array[];
    try {
      batch.signal.throwIfAborted();
      vectors = await embedder.embed(
        part.map(({ embedText }) => embedText),
        { signal: batch.signal, purpose: 'document' },
      );
      if (vectors.length !== part.length)
        throw new Error(`the embedder gave ${vectors.length} vectors for ${part.length} texts`);
    } catch (error) {
      if (!(error instanceof EmbeddingError) || error.kind !== 'refused') throw error;
      return divide(batch, part, error);
    }
    await index.storeEmbeddings(new Map(part.map(({ textHash }, at) => [textHash, vectors[at]!])), embedder.id);
    batch.accepted += part.length;
    batch.largest = Math.max(batch.largest, part.length);
    const tokens = part.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
    const ms = Math.round(performance.now() - started);
    logger.debug(
      { embedder: embedder.id, texts: part.length, tokens, ms, waiting: waiting.size },
      'texts were embedded',
    );
    for (const entry of part) entry.settle();
  }

  async function divide(batch: Batch, part: Entry[], refusal: EmbeddingError): Promise<void> {
    const [only] = part;
    if (only && part.length === 1) {
      batch.refused += 1;
      only.settle(refusal);
      if (batch.refused === ENOUGH_REFUSED && batch.accepted === 0 && !(await takesAnything(batch.signal)))
        throw new EmbeddingError('misconfigured', refusal.message, { cause: refusal });
      return;
    }
    batch.divided = true;
    const half = Math.ceil(part.length / 2);
    await send(batch, part.slice(0, half));
    await send(batch, part.slice(half));
  }

  /** Whether a text that nothing can be wrong with is taken. */
  async function takesAnything(signal: AbortSignal): Promise<boolean> {
    try {
      await embedder.embed(['text'], { signal, purpose: 'document' });
      return true;
    } catch (error) {
      if (error instanceof EmbeddingError && error.kind === 'refused') return false;
      throw error;
    }
  }

  return {
    async store(texts, { signal }) {
      signal.throwIfAborted();
      closing.signal.throwIfAborted();
      const long = texts.find(({ tokenCount }) => tokenCount > limits.tokensPerText);
      if (long)
        throw new EmbeddingError(
          'refused',
          `A passage has ${long.tokenCount} tokens; the model takes ${limits.tokensPerText} at most.`,
        );
      const wanted = [...new Map(texts.map((text) => [text.textHash, text])).values()].map(want);
      const look = lookUp(wanted.filter(({ isNew }) => isNew).map(({ entry }) => entry));
      looking.add(look);
      void look.finally(() => looking.delete(look));
      try {
        await unlessAborted(Promise.all(wanted.map(({ entry }) => entry.done)), signal);
      } finally {
        for (const { entry } of wanted) leave(entry);
        breakOffAbandoned();
      }
    },

    async close() {
      closing.abort(new Error('the hub is stopping'));
      for (const entry of [...entries.values()])
        if (!underWay?.entries.has(entry)) entry.settle(closing.signal.reason as Error);
      while (working || looking.size > 0) await Promise.all([...looking, working]);
    },
  };
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((done, fail) => {
    resolve = done;
    reject = fail;
  });
  return { promise, resolve, reject };
}

/** The promise's outcome, or the signal's reason as soon as it aborts. */
function unlessAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(toError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(() => resolve(), reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
