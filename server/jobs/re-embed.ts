import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { IndexError } from '../index/index-error.ts';
import {
  countEmbedded,
  deleteLeftovers,
  isAnyMissing,
  moveHashes,
  readMissing,
  type VectorKey,
} from '../index/missing-embeddings.ts';
import { forgetPending } from '../index/postgres.ts';
import {
  changeSearchEmbedder,
  findSearchEmbedder,
  HELD_MS,
  handOnReEmbedding,
  holdReEmbedding,
  lockSearchEmbedder,
  noteReEmbedding,
  releaseReEmbedding,
  settleLeftovers,
  takeReEmbedding,
} from '../index/search-embedder.ts';
import type { Embeddable } from '../pipeline/embed/batcher.ts';
import { nameEmbedder } from '../pipeline/embed/embedder-id.ts';
import { EmbeddingError } from '../pipeline/embed/embedder.ts';
import { toEmbeddable, type StoredPassage } from '../pipeline/stored-passage.ts';

/** Between two looks whether there is something to do. */
const LOOK_MS = 2_000;
/** Passages that are handed to the batcher at once: few, so that the texts of imports need not wait for many others. */
const AT_ONCE = 128;
/** The same where it is to be found out which of them are refused. */
const EACH_AT_ONCE = 8;
/** Between two exact counts. */
const COUNT_MS = 30_000;
/** Former vectors stay for those who embedded their query just before the switch. */
const GRACE_MS = 60_000;
/** Between two looks for passages that a process with another embedder has stored. */
const SETTLED_MS = 600_000;
/** After a failure, twice as long each time. */
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 300_000;

const INTERNAL = 'Something went wrong inside the hub; the log names the cause.';

/**
 * Embeds stored passages that lack a vector of the configured embedder, from what the database holds, so that a changed embedder takes the
 * place of the former one. One process at a time does it over the whole hub, and only one whose embedder is wanted. Gives a
 * function that stops it.
 */
export function startReEmbedding(context: Context): () => void {
  const { database, embedder, logger } = context;
  const stopping = new AbortController();
  const holder = randomUUID();
  /** Texts that the model does not take: they are not sent again before the next start. */
  const refused = new Set<string>();
  let failures = 0;
  let toldOfOther = '';

  /** Whether the embedder of this process is the one to work on. */
  async function isWanted(): Promise<boolean> {
    const state = await findSearchEmbedder(database.knex);
    if (!state) return false;
    const wanted = state.target ?? state.active;
    if (wanted !== embedder.id && wanted !== toldOfOther)
      logger.warn(
        { configured: embedder.id, wanted },
        'a process of this hub was started later with another embedder; restart this one with the same settings',
      );
    toldOfOther = wanted === embedder.id ? '' : wanted;
    return wanted === embedder.id;
  }

  async function look(): Promise<void> {
    if (!(await isWanted()) || !(await takeReEmbedding(database.knex, holder, embedder.id))) return;
    const over = new AbortController();
    const signal = AbortSignal.any([stopping.signal, over.signal]);
    let beat: Promise<void> | undefined;
    const heart = setInterval(() => {
      beat ??= holdReEmbedding(database.knex, holder, embedder.id)
        .then((held) => {
          if (!held) over.abort(new Error('another embedder is wanted, or another process is at work'));
        })
        // Not heard says nothing: the claim ends by itself.
        .catch((error: unknown) =>
          logger.warn({ err: error }, 'the claim on the stored passages could not be prolonged'),
        )
        .finally(() => (beat = undefined));
    }, HELD_MS / 3);
    try {
      const afterMs = await reEmbed(context, { holder, signal, refused, onProgress: () => (failures = 0) });
      failures = 0;
      await releaseReEmbedding(database.knex, holder, { afterMs });
    } catch (error) {
      if (signal.aborted) await handOnReEmbedding(database.knex, holder);
      else await noteFailure(error);
    } finally {
      clearInterval(heart);
    }
  }

  async function noteFailure(error: unknown): Promise<void> {
    const isKnown = error instanceof EmbeddingError || error instanceof IndexError;
    const backoffMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
    failures += 1;
    const askedMs = isKnown && error.retryAt ? error.retryAt.getTime() - Date.now() : 0;
    const afterMs = Math.max(backoffMs, askedMs);
    const needsPerson = !isKnown || error.kind === 'misconfigured';
    logger[needsPerson ? 'error' : 'warn'](
      { err: error, afterMs },
      'stored passages could not be embedded anew; it is tried again',
    );
    await releaseReEmbedding(database.knex, holder, { afterMs, problem: isKnown ? error.message : INTERNAL });
  }

  void (async () => {
    while (!stopping.signal.aborted) {
      await look().catch((error: unknown) => {
        // What a stop has cut off is done at the next start.
        if (!stopping.signal.aborted) logger.error({ err: error }, 'stored passages could not be looked at');
      });
      await sleep(LOOK_MS, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  })();
  return () => stopping.abort(new Error('the hub is stopping'));
}

type Round = { holder: string; signal: AbortSignal; refused: Set<string>; onProgress: () => void };

/** Embeds what is missing, switches where a switch is wanted, deletes what is left of other embedders. Gives when to look again, in milliseconds. */
async function reEmbed(context: Context, round: Round): Promise<number> {
  const { database, embedder, indexKeeper, logger } = context;
  const { knex } = database;
  while (await isAnyMissing(knex, embedder.id, [...round.refused])) await embedMissing(context, round);

  const { target, leftovers } = (await findSearchEmbedder(knex)) ?? {};
  if (target === embedder.id) {
    await indexKeeper?.refit(round.signal);
    const switched = await database.transaction(async (trx) => {
      const state = await lockSearchEmbedder(trx, 'update');
      if (state?.target !== embedder.id) return undefined;
      await changeSearchEmbedder(trx, { active: embedder.id });
      return state;
    });
    if (!switched) return 0;
    logger.info(
      { from: switched.active, to: embedder.id, passages: switched.total, refused: switched.refused },
      `searches compare with vectors of ${nameEmbedder(embedder.id)} from now on`,
    );
    return GRACE_MS;
  }
  if (leftovers) await removeLeftovers(context, round.signal);
  return SETTLED_MS;
}

/** Goes once through all passages, and embeds those that lack a vector. */
async function embedMissing(context: Context, round: Round): Promise<void> {
  const { database, embedder } = context;
  const { knex } = database;
  let counts = await countEmbedded(knex, embedder.id);
  context.logger.info({ embedder: embedder.id, ...counts }, 'stored passages are embedded');
  let countedAt = Date.now();
  for (let after = '0'; ;) {
    round.signal.throwIfAborted();
    const { last, passages } = await readMissing(knex, after, embedder.id);
    if (last === undefined) return;
    for (let start = 0; start < passages.length; start += AT_ONCE) {
      const batch = passages.slice(start, start + AT_ONCE);
      const taken = await embedBatch(context, batch, round);
      counts.done += taken;
      if (Date.now() - countedAt > COUNT_MS) {
        counts = await countEmbedded(knex, embedder.id);
        countedAt = Date.now();
      }
      await noteReEmbedding(knex, round.holder, { ...counts, refused: round.refused.size });
      round.onProgress();
    }
    after = last;
  }
}

/** Gives how many of the passages have got a vector. */
async function embedBatch(
  { database, embedder, embeddings }: Context,
  passages: StoredPassage[],
  { refused, signal }: Round,
): Promise<number> {
  const named = passages.map((passage) => ({ passage, text: toEmbeddable(passage) }));
  const moved = named.flatMap(({ passage: { id, textHash: former }, text: { textHash: hash } }) =>
    hash === former ? [] : [{ id, former, hash }],
  );
  if (moved.length > 0) await database.transaction((trx) => moveHashes(trx, moved));
  const texts = named.map(({ text }) => text).filter(({ textHash }) => !refused.has(textHash));
  try {
    await embeddings.store(texts, { signal });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await checkTaking(embedder, signal);
    await storeEach(embeddings, texts, refused, signal);
  }
  const stored = texts.filter(({ textHash }) => !refused.has(textHash));
  await forgetPending(
    database.knex,
    stored.map(({ textHash }) => textHash),
    embedder.id,
  );
  return stored.length;
}

/** Nothing can be wrong with this text: where it is refused too, it is not the texts' fault. Errors: EmbeddingError `misconfigured`. */
async function checkTaking(embedder: Context['embedder'], signal: AbortSignal): Promise<void> {
  await embedder.embed(['text'], { signal, purpose: 'document' }).catch((error: unknown) => {
    if (!isRefusal(error)) throw error;
    throw new EmbeddingError('misconfigured', error.message, { cause: error });
  });
}

/** Finds out which of the texts the model does not take: the others are stored all the same. */
async function storeEach(
  embeddings: Context['embeddings'],
  texts: Embeddable[],
  refused: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  for (let start = 0; start < texts.length; start += EACH_AT_ONCE) {
    const some = texts.slice(start, start + EACH_AT_ONCE);
    const results = await Promise.allSettled(some.map((text) => embeddings.store([text], { signal })));
    for (const [at, result] of results.entries()) {
      if (result.status === 'fulfilled') continue;
      if (!isRefusal(result.reason)) throw result.reason;
      refused.add(some[at]?.textHash ?? '');
    }
  }
}

const isRefusal = (error: unknown): error is EmbeddingError =>
  error instanceof EmbeddingError && error.kind === 'refused';

/** Deletes the vectors of embedders that nobody wants any more. */
async function removeLeftovers({ database, embedder, logger }: Context, signal: AbortSignal): Promise<void> {
  let deleted = 0;
  let waiting = 0;
  for (let after: VectorKey | undefined = { textHash: '', embedder: '' }; after;) {
    signal.throwIfAborted();
    const from: VectorKey = after;
    const page = await database.transaction((trx) => deleteLeftovers(trx, from));
    deleted += page.deleted;
    waiting += page.waiting;
    after = page.last;
  }
  await database.transaction(async (trx) => {
    const state = await lockSearchEmbedder(trx, 'update');
    if (waiting === 0 && state?.active === embedder.id && state.target === undefined) await settleLeftovers(trx);
  });
  if (deleted > 0) logger.info({ deleted, waiting }, 'the vectors of former embedders were deleted');
}
