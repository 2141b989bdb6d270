import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { createLogger } from '../../server/logger.ts';
import { createEmbeddingBatcher, type Embeddable, type EmbeddingBatcher } from '../../server/pipeline/embed/batcher.ts';
import { EmbeddingError, type Embedder, type EmbedderLimits } from '../../server/pipeline/embed/embedder.ts';
import { waitFor } from '../helpers/wait.ts';

const text = (words: string, tokenCount = 10): Embeddable => ({
  textHash: createHash('sha256').update(words).digest('hex'),
  embedText: words,
  tokenCount,
});
const texts = (prefix: string, count: number, tokenCount?: number) =>
  Array.from({ length: count }, (_, n) => text(`${prefix} ${n}`, tokenCount));

type Call = { texts: string[]; signal: AbortSignal; answer(): void; fail(error: Error): void };

/** A batcher between an embedder that answers when it is told to and an index in memory. */
function arrange(limits: Partial<EmbedderLimits> = {}) {
  const calls: Call[] = [];
  const order: string[] = [];
  const stored = new Map<string, Float32Array>();
  let held: Promise<void> | undefined;
  const embedder: Embedder = {
    id: 'scripted',
    dimensions: 1,
    limits: { texts: 100, tokens: 10_000, tokensPerText: 1000, gatherMs: 0, ...limits },
    counts: { requests: 0, texts: 0, tokens: 0 },
    embed: (sent, { signal, purpose }) =>
      new Promise((resolve, reject) => {
        expect(purpose).to.equal('document');
        order.push(`send ${sent.length}`);
        AbortSignal.any([signal]).addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        calls.push({
          texts: sent,
          signal,
          answer: () => resolve(sent.map((words) => Float32Array.of(words.length))),
          fail: reject,
        });
      }),
  };
  const index = {
    knownEmbeddings: async (hashes: string[]) => new Set(hashes.filter((hash) => stored.has(hash))),
    async storeEmbeddings(vectors: Map<string, Float32Array>) {
      await held;
      for (const [hash, vector] of vectors) stored.set(hash, vector);
      order.push(`store ${vectors.size}`);
    },
  };
  const batcher = createEmbeddingBatcher({ embedder, index, logger: createLogger({ logLevel: 'silent' }) });
  return {
    calls,
    order,
    stored,
    batcher,
    nth: (n: number) => waitFor(`call ${n}`, () => calls[n - 1]),
    /** Answers every request at once, or refuses it where it holds one of these texts. */
    serve: (isRefused: (words: string[]) => boolean = () => false) => {
      let answered = 0;
      const timer = setInterval(() => {
        for (; answered < calls.length; answered += 1) {
          const call = calls[answered]!;
          if (isRefused(call.texts)) call.fail(new EmbeddingError('refused', 'The model does not take it.'));
          else call.answer();
        }
      }, 1);
      open.push(() => clearInterval(timer));
    },
    hold: (until: Promise<void>) => {
      held = until;
    },
  };
}

const open: (() => void)[] = [];

const store = (batcher: EmbeddingBatcher, wanted: Embeddable[], signal = new AbortController().signal) =>
  batcher.store(wanted, { signal });
const outcome = (work: Promise<void>) =>
  work.then(
    () => 'stored' as const,
    (error: unknown) => error as Error,
  );

describe('the batcher of embeddings', () => {
  afterEach(() => open.splice(0).forEach((close) => close()));

  it('sends one request at a time; what gathers meanwhile, of all documents, makes the next', async () => {
    const { batcher, calls, nth } = arrange();
    const first = store(batcher, texts('first', 2));
    await nth(1);
    const others = [
      store(batcher, texts('second', 3)),
      store(batcher, texts('third', 1)),
      store(batcher, texts('fourth', 2)),
    ];
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).to.have.length(1);
    calls[0]!.answer();
    await first;
    const next = await nth(2);
    expect(next.texts).to.have.length(6);
    next.answer();
    await Promise.all(others);
    expect(calls).to.have.length(2);
  });

  it('has stored a batch before its callers go on and before the next is sent', async () => {
    const { batcher, order, nth, hold, calls, stored } = arrange({ texts: 2 });
    let release = () => {};
    hold(new Promise((resolve) => (release = resolve)));
    const work = store(batcher, texts('long', 3)).then(() => order.push('goes on'));
    (await nth(1)).answer();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(calls).to.have.length(1);
    expect(order).to.deep.equal(['send 2']);
    release();
    (await nth(2)).answer();
    await work;
    expect(order).to.deep.equal(['send 2', 'store 2', 'send 1', 'store 1', 'goes on']);
    expect(stored.get(text('long 0').textHash)).to.deep.equal(Float32Array.of('long 0'.length));
  });

  it('fills batches up to the limits of texts and tokens', async () => {
    const { batcher, calls, serve } = arrange({ texts: 5, tokens: 100 });
    serve();
    await store(batcher, [...texts('many', 7, 1), ...texts('heavy', 3, 60)]);
    expect(calls.map((call) => call.texts.length)).to.deep.equal([5, 3, 1, 1]);
  });

  it('waits a moment for company where the embedder wants fuller batches', async () => {
    const { batcher, calls, serve } = arrange({ gatherMs: 40 });
    serve();
    await Promise.all(texts('alone', 6).map((one) => store(batcher, [one])));
    expect(calls.map((call) => call.texts.length)).to.deep.equal([6]);
  });

  it('embeds what is wanted twice at once, or twice in one document, once', async () => {
    const { batcher, calls, nth, stored } = arrange();
    const first = store(batcher, [text('boilerplate'), text('own'), text('boilerplate')]);
    const call = await nth(1);
    const second = store(batcher, [text('boilerplate')]);
    call.answer();
    await Promise.all([first, second]);
    expect(calls).to.have.length(1);
    expect(call.texts).to.deep.equal(['boilerplate', 'own']);
    expect(stored.size).to.equal(2);
  });

  it('sends nothing that is stored already', async () => {
    const { batcher, calls, serve } = arrange();
    serve();
    await store(batcher, texts('known', 3));
    await store(batcher, texts('known', 4));
    expect(calls.map((call) => call.texts)).to.deep.equal([['known 0', 'known 1', 'known 2'], ['known 3']]);
    await store(batcher, []);
    expect(calls).to.have.length(2);
  });

  it('finds by halves the one text that is refused: only its document fails', async () => {
    const { batcher, nth, serve, stored, order } = arrange();
    const blocker = store(batcher, [text('blocker')]);
    const call = await nth(1);
    const good = texts('good', 20).map((one) => outcome(store(batcher, [one])));
    const bad = outcome(store(batcher, [text('fine'), text('bad'), text('fine too')]));
    serve((sent) => sent.includes('bad'));
    call.answer();
    await blocker;
    expect(await Promise.all(good)).to.deep.equal(good.map(() => 'stored'));
    expect(await bad)
      .to.be.instanceOf(EmbeddingError)
      .and.include({ kind: 'refused' });
    expect(stored.has(text('bad').textHash)).to.equal(false);
    expect(order.filter((step) => step.startsWith('send')).length).to.be.at.most(13);
  });

  it('blames no document where the server refuses everything, and does not ask for each text', async () => {
    const { batcher, calls, nth, serve } = arrange();
    const blocker = outcome(store(batcher, [text('blocker')]));
    await nth(1);
    const works = texts('any', 50).map((one) => outcome(store(batcher, [one])));
    await new Promise((resolve) => setImmediate(resolve));
    serve(() => true);
    await blocker;
    const kinds = (await Promise.all(works)).map((error) => (error as EmbeddingError).kind);
    expect(kinds.filter((kind) => kind === 'refused').length).to.be.at.most(4);
    expect(kinds.slice(4)).to.deep.equal(new Array(46).fill('misconfigured'));
    expect(calls.length).to.be.at.most(20);
  });

  it('lets other documents be when many texts of one are refused', async () => {
    const { batcher, nth, serve } = arrange();
    const blocker = store(batcher, [text('blocker')]);
    const call = await nth(1);
    const bad = outcome(store(batcher, texts('bad', 8)));
    const good = outcome(store(batcher, texts('good', 8)));
    serve((sent) => sent.some((words) => words.startsWith('bad')));
    call.answer();
    await blocker;
    expect(await bad).to.include({ kind: 'refused' });
    expect(await good).to.equal('stored');
  });

  it('asks a server that takes fewer texts at a time for no more from then on', async () => {
    const { batcher, calls, serve } = arrange();
    serve((sent) => sent.length > 8);
    await store(batcher, texts('first', 16));
    const before = calls.length;
    await store(batcher, texts('second', 16));
    expect(calls.slice(before).map((call) => call.texts.length)).to.deep.equal([8, 8]);
  });

  it('refuses a text over the model’s limit without sending anything', async () => {
    const { batcher, calls } = arrange();
    const error = await outcome(store(batcher, [text('short'), text('long', 1001)]));
    expect(error).to.include({ kind: 'refused' });
    expect((error as Error).message).to.include('1001 tokens');
    expect(calls).to.have.length(0);
  });

  it('fails a batch as a whole where the server does, and goes on with the next', async () => {
    const { batcher, nth } = arrange();
    const first = outcome(store(batcher, texts('first', 2)));
    (await nth(1)).fail(new EmbeddingError('unavailable', 'down'));
    expect(await first).to.include({ kind: 'unavailable' });
    const second = outcome(store(batcher, texts('first', 2)));
    (await nth(2)).answer();
    expect(await second).to.equal('stored');
  });

  it('lets an aborted caller go at once, and does not send its waiting texts', async () => {
    const { batcher, calls, nth } = arrange();
    const first = store(batcher, [text('first')]);
    const call = await nth(1);
    const controller = new AbortController();
    const reason = new Error('the job was given to another worker');
    const leaving = outcome(store(batcher, [text('dropped'), text('shared')], controller.signal));
    const staying = store(batcher, [text('shared')]);
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort(reason);
    expect(await leaving).to.equal(reason);
    call.answer();
    await first;
    const next = await nth(2);
    expect(next.texts).to.deep.equal(['shared']);
    next.answer();
    await staying;
    expect(await outcome(store(batcher, [text('late')], controller.signal))).to.equal(reason);
    expect(calls).to.have.length(2);
  });

  it('breaks a request off that nobody waits for any more, and sends its texts anew for who comes later', async () => {
    const { batcher, nth } = arrange();
    const controller = new AbortController();
    const leaving = outcome(store(batcher, [text('a'), text('b')], controller.signal));
    const call = await nth(1);
    controller.abort(new Error('stop'));
    await leaving;
    expect(call.signal.aborted).to.equal(true);
    const later = store(batcher, [text('b')]);
    const next = await nth(2);
    expect(next.texts).to.deep.equal(['b']);
    next.answer();
    await later;
  });

  it('ends: what is under way is broken off, what waits is told, and nothing is taken any more', async () => {
    const { batcher, calls, nth } = arrange({ texts: 1 });
    const works = texts('any', 3).map((one) => outcome(store(batcher, [one])));
    await nth(1);
    await batcher.close();
    for (const work of works) expect(await work).to.be.instanceOf(Error);
    expect(calls).to.have.length(1);
    expect(await outcome(store(batcher, [text('late')]))).to.be.instanceOf(Error);
  });
});
