import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect } from 'chai';
import { createLexicalEmbedder } from '../../server/pipeline/embed/lexical.ts';

const signal = new AbortController().signal;
const embedder = createLexicalEmbedder();
const documents = (texts: string[]) => embedder.embed(texts, { signal, purpose: 'document' });
const alike = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, at) => sum + value * b[at]!, 0);

describe('The lexical embedder', function () {
  this.timeout(120_000);

  it('gives unit vectors of 1,024 dimensions in the order of the texts, the same each time', async () => {
    const texts = ['The ferry leaves at nine.', '', '渡轮九点出发', '!!!', 'paragraph '.repeat(5_000)];
    const vectors = await documents(texts);
    expect(embedder).to.include({ id: 'lexical-1024-v1', dimensions: 1_024 });
    expect(vectors).to.have.length(texts.length);
    for (const vector of vectors) {
      expect(vector).to.be.instanceOf(Float32Array).with.length(1_024);
      expect(alike(vector, vector)).to.be.closeTo(1, 1e-5);
    }
    expect(await createLexicalEmbedder().embed(texts, { signal, purpose: 'query' })).to.deep.equal(vectors);
  });

  it('finds the text with the words asked for, inflected, misspelt, without accents or in Chinese', async () => {
    const texts = [
      'Passengers must arrive thirty minutes before the departure of the ferry.',
      'The battery of the vessel is charged overnight with shore power.',
      'Die Größe der Öffnung wird bei jeder Prüfung gemessen.',
      '乘客请提前三十分钟到达码头，渡轮准时出发。',
      '电池每晚用岸电充电。',
    ];
    const vectors = await documents(texts);
    const cases: [string, number][] = [
      ['when do ferries depart', 0],
      ['baterry charging', 1],
      ['grosse der offnung', 2],
      ['渡轮什么时候出发', 3],
      ['充电', 4],
    ];
    for (const [query, wanted] of cases) {
      const [vector] = await embedder.embed([query], { signal, purpose: 'query' });
      const scores = vectors.map((each) => alike(vector!, each));
      expect(scores.indexOf(Math.max(...scores)), query).to.equal(wanted);
    }
  });

  it('leaves the event loop free in every slice, whatever is asked at once', async () => {
    const text = 'Der schnelle braune Fuchs springt über den faulen Hund. '.repeat(200);
    const texts = Array.from({ length: 40 }, (_, at) => text + at);
    let turns = 0;
    let running = true;
    const turn = () => {
      turns++;
      if (running) setImmediate(turn);
    };
    turn();
    const delays = monitorEventLoopDelay({ resolution: 5 });
    delays.enable();
    const started = performance.now();
    await Promise.all(Array.from({ length: 4 }, () => documents(texts)));
    const elapsed = performance.now() - started;
    delays.disable();
    running = false;
    expect(turns).to.be.greaterThan(elapsed / 50);
    // Half of the slices tell more than the longest one, which others on the machine may have stretched.
    expect(delays.percentile(50) / 1e6).to.be.below(50);
  });

  it('answers a query before the documents that came first', async () => {
    const order: string[] = [];
    const long = Array.from({ length: 50 }, (_, at) => `word${at} `.repeat(2_000));
    await Promise.all([
      documents(long).then(() => order.push('documents')),
      embedder.embed(['a question'], { signal, purpose: 'query' }).then(() => order.push('query')),
    ]);
    expect(order).to.deep.equal(['query', 'documents']);
  });

  it('stops with the reason of the signal', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = embedder.embed(['x '.repeat(2_000_000)], { signal: controller.signal, purpose: 'document' });
    setImmediate(() => controller.abort(reason));
    const outcome = await running.catch((error: unknown) => error);
    expect(outcome).to.equal(reason);
  });
});
