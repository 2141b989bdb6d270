import { expect } from 'chai';
import { checkEmbedder } from '../../server/checks/check-embedder.ts';
import { parseConfig, type ConfigError, type Env } from '../../server/config.ts';
import { createEgress, hostsOf, type Egress } from '../../server/egress/egress.ts';
import { createLogger } from '../../server/logger.ts';
import { modelHosts } from '../../server/model-config.ts';
import { createEmbedder } from '../../server/pipeline/embed/configured.ts';
import { EmbeddingError, type Embedder } from '../../server/pipeline/embed/embedder.ts';
import { createOpenAiEmbedder } from '../../server/pipeline/embed/openai.ts';
import { keepLogs } from '../helpers/kept-logs.ts';
import { startOpenAiServer, vectorOf, type OpenAiServer } from '../helpers/openai-server.ts';
import { notRun } from '../helpers/requirements.ts';
import { waitFor } from '../helpers/wait.ts';
import { faultsOf } from './openai-contract.ts';

const problemsOf = (env: Env): string[] => {
  try {
    parseConfig(env);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
};

describe('an embedder that asks a model’s server', function () {
  this.timeout(20_000);
  let server: OpenAiServer;
  let egress: Egress | undefined;
  let kept: ReturnType<typeof keepLogs>;

  beforeEach(async () => {
    server = await startOpenAiServer();
    kept = keepLogs();
  });
  afterEach(async () => {
    await egress?.close();
    egress = undefined;
    await server.close();
  });

  function embedderFor(env: Env = {}, timeouts?: { headersMs: number }): Embedder {
    const config = parseConfig({ ...server.env, ...env });
    egress = createEgress({ allowedHosts: hostsOf(config, []), vendorHosts: [], timeouts });
    return createOpenAiEmbedder(config.embedding!, { fetch: egress.fetch, logger: kept.logger, firstBackoffMs: 5 });
  }
  const embed = (
    embedder: Embedder,
    texts: string[],
    {
      purpose = 'document' as const,
      signal = AbortSignal.timeout(15_000),
    }: { purpose?: 'document' | 'query'; signal?: AbortSignal } = {},
  ) => embedder.embed(texts, { purpose, signal });

  async function failureOf(work: Promise<unknown>): Promise<EmbeddingError> {
    const error: unknown = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(EmbeddingError);
    return error as EmbeddingError;
  }
  const unit = (text: string, dimensions = 256) => {
    const vector = vectorOf(text, dimensions);
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  };
  const expectVectors = (vectors: Float32Array[], texts: string[], dimensions = 256) => {
    expect(vectors).to.have.length(texts.length);
    for (const [at, text] of texts.entries())
      for (const [place, value] of unit(text, dimensions).entries())
        expect(vectors[at]?.[place]).to.be.closeTo(value, 1e-6);
  };

  describe('asking', () => {
    it('gives unit vectors in the order of the texts, asked for as base64, with the key of the settings', async () => {
      const embedder = embedderFor();
      const texts = ['the bow ramp', 'winter timetable', 'the bow ramp failed'];
      expectVectors(await embed(embedder, texts), texts);
      expect(server.requests).to.have.length(1);
      expect(server.requests[0]).to.include({
        path: '/v1/embeddings',
        encoding: 'base64',
        model: 'stand-in-embeddings',
      });
      expect(server.requests[0]?.key).to.equal(`Bearer ${server.env.OPENAI_API_KEY}`);
      expect(server.requests[0]?.dimensions).to.equal(undefined);
      expect(embedder).to.include({ id: `${new URL(server.url).host}/stand-in-embeddings/256`, dimensions: 256 });
      expect(embedder.counts).to.deep.equal({ requests: 1, texts: 3, tokens: 9 });
    });

    it('sends nothing for no texts', async () => {
      expect(await embed(embedderFor(), [])).to.deep.equal([]);
      expect(server.requests).to.deep.equal([]);
    });

    it('takes numbers where base64 was asked for, and any order of the answer', async () => {
      const embedder = embedderFor();
      const texts = ['first text', 'second text', 'third text'];
      server.planned.push('numbers', 'turned');
      expectVectors(await embed(embedder, texts), texts);
      expectVectors(await embed(embedder, texts), texts);
      expect(server.requests).to.have.length(2);
    });

    it('asks a model that can for shorter vectors, once it has seen that they come too long', async () => {
      server.shortens = true;
      const embedder = embedderFor({ EMBEDDING_DIMENSIONS: '64' });
      expectVectors(await embed(embedder, ['one']), ['one'], 64);
      expectVectors(await embed(embedder, ['two']), ['two'], 64);
      expect(server.requests.map(({ dimensions }) => dimensions)).to.deep.equal([undefined, 64, 64]);
    });

    it('asks OpenAI’s newer models for shorter vectors from the start', async () => {
      server.shortens = true;
      await embed(embedderFor({ EMBEDDING_MODEL: 'text-embedding-3-large' }), ['one']);
      expect(server.requests.map(({ dimensions }) => dimensions)).to.deep.equal([256]);
    });

    it('sends no key to a server without one', async () => {
      const embedder = embedderFor({ OPENAI_API_KEY: undefined });
      const error = await failureOf(embed(embedder, ['one']));
      expect(server.requests[0]?.key).to.equal(undefined);
      expect(error).to.include({ kind: 'misconfigured' });
      expect(error.message).to.include('asks for a key').and.include('OPENAI_API_KEY');
    });

    it('speaks to a deployment of Azure OpenAI', async () => {
      const embedder = embedderFor({
        OPENAI_API_KEY: undefined,
        OPENAI_BASE_URL: undefined,
        AZURE_OPENAI_ENDPOINT: `${server.origin}/`,
        AZURE_OPENAI_API_KEY: server.env.OPENAI_API_KEY,
        EMBEDDING_MODEL: 'our-embeddings',
      });
      expectVectors(await embed(embedder, ['one text']), ['one text']);
      expect(server.requests[0]).to.include({
        path: '/openai/deployments/our-embeddings/embeddings?api-version=2024-10-21',
        key: server.env.OPENAI_API_KEY,
      });
    });

    it('sends what OpenAI’s own description of its API allows', async () => {
      await embed(embedderFor(), ['one', 'two']);
      server.shortens = true;
      await embed(embedderFor({ EMBEDDING_DIMENSIONS: '128' }), ['three']);
      const faults = await faultsOf(server.requests);
      if (!faults)
        return notRun(
          'the check of embedding requests against the vendor’s description',
          'the description is not there',
        );
      expect(faults).to.deep.equal([]);
    });
  });

  describe('failures', () => {
    it('asks again after a fault, a broken answer and answers that are not one vector for each text', async () => {
      const embedder = embedderFor();
      server.planned.push({ status: 500 }, 'broken', 'partial', { status: 503 });
      expectVectors(await embed(embedder, ['a text', 'b text']), ['a text', 'b text']);
      expect(embedder.counts).to.deep.equal({ requests: 5, texts: 2, tokens: 4 });
    });

    it('gives up after six tries, and says why', async () => {
      const embedder = embedderFor();
      server.planned.push(...Array.from({ length: 6 }, () => 'partial' as const));
      const wrongCount = await failureOf(embed(embedder, ['a', 'b']));
      expect(wrongCount).to.include({ kind: 'bad_response' });
      expect(wrongCount.message).to.include('1 embeddings for 2 texts');
      server.planned.push(...Array.from({ length: 6 }, () => ({ status: 502, message: 'Bad gateway' })));
      const down = await failureOf(embed(embedder, ['a']));
      expect(down).to.include({ kind: 'unavailable' });
      expect(down.message).to.include('(502)').and.include('Bad gateway');
      expect(server.requests).to.have.length(12);
    });

    it('waits as long as the server asks, and lets nobody through meanwhile', async () => {
      const embedder = embedderFor();
      server.planned.push({ status: 429, retryAfter: '1' });
      const first = embed(embedder, ['a']);
      await waitFor('the refusal', () => server.requests.length === 1);
      await Promise.all([first, embed(embedder, ['b'])]);
      const [refused, ...later] = server.requests.map(({ at }) => at);
      expect(later).to.have.length(2);
      for (const at of later) expect(at - refused!).to.be.at.least(1000);
    });

    it('names the time of a long pause instead of waiting for it, and does not ask before', async () => {
      const embedder = embedderFor();
      server.planned.push({ status: 429, retryAfter: '600' });
      const refused = await failureOf(embed(embedder, ['a']));
      const again = await failureOf(embed(embedder, ['b']));
      expect(server.requests).to.have.length(1);
      for (const error of [refused, again]) {
        expect(error).to.include({ kind: 'rate_limited' });
        expect(error.retryAt!.getTime() - Date.now()).to.be.within(590_000, 600_000);
      }
    });

    it('does not let a query wait for a pause that a document would wait for', async () => {
      const embedder = embedderFor();
      server.planned.push({ status: 429, retryAfter: '5' });
      const error = await failureOf(embed(embedder, ['a'], { purpose: 'query' }));
      expect(error).to.include({ kind: 'rate_limited' });
    });

    it('stops with the signal’s reason: while it waits to ask again, and while it waits for an answer', async () => {
      const embedder = embedderFor();
      for (const plan of [{ status: 429, retryAfter: '30' }, 'silent'] as const) {
        const seen = server.requests.length;
        server.planned.push(plan);
        const controller = new AbortController();
        const reason = new Error('enough');
        const work = embed(plan === 'silent' ? embedderFor() : embedder, ['a'], { signal: controller.signal });
        await waitFor('the request', () => server.requests.length > seen);
        controller.abort(reason);
        expect(await work.catch((error: unknown) => error)).to.equal(reason);
      }
    });

    it('names the key’s variable when the server refuses it, asks once, and tells the log once', async () => {
      const embedder = embedderFor({ OPENAI_API_KEY: 'sk-quite-wrong' });
      const error = await failureOf(embed(embedder, ['a']));
      await failureOf(embed(embedder, ['b']));
      expect(error).to.include({ kind: 'misconfigured' });
      expect(error.message).to.include('OPENAI_API_KEY').and.include('401');
      expect(server.requests).to.have.length(2);
      expect(kept.logs().match(/"level":50/g)).to.have.length(1);
      expect(kept.logs() + error.message).not.to.include('sk-quite-wrong');
      server.planned.push({ status: 429, code: 'insufficient_quota', message: 'sk-quite-wrong has no quota.' });
      const quota = await failureOf(embed(embedder, ['a']));
      expect(quota).to.include({ kind: 'misconfigured' });
      expect(quota.message).to.include('no quota').and.not.include('sk-quite-wrong');
    });

    it('names EMBEDDING_DIMENSIONS when vectors have another length', async () => {
      for (const dimensions of ['64', '512']) {
        const error = await failureOf(embed(embedderFor({ EMBEDDING_DIMENSIONS: dimensions }), ['a']));
        expect(error).to.include({ kind: 'misconfigured' });
        expect(error.message).to.include('EMBEDDING_DIMENSIONS=256').and.include(dimensions);
      }
      server.planned.push('short');
      expect((await failureOf(embed(embedderFor(), ['a']))).message).to.include('EMBEDDING_DIMENSIONS=128');
    });

    it('names EMBEDDING_MODEL when there is no such model or address', async () => {
      server.planned.push({ status: 404, code: 'model_not_found' });
      const error = await failureOf(embed(embedderFor(), ['a']));
      expect(error).to.include({ kind: 'misconfigured' });
      expect(error.message).to.include('EMBEDDING_MODEL').and.include('OPENAI_BASE_URL');
    });

    it('says of a text that is too long that it is refused, without asking again', async () => {
      server.mostWords = 3;
      const error = await failureOf(embed(embedderFor(), ['one two three four']));
      expect(error).to.include({ kind: 'refused' });
      expect(error.message).to.include('maximum context length is 3');
      expect(server.requests).to.have.length(1);
    });

    it('says of a slow server that it does not take so many texts, and of one that hangs that it is away', async () => {
      const embedder = embedderFor({}, { headersMs: 800 });
      server.msPerText = 400;
      expect(await failureOf(embed(embedder, ['a', 'b', 'c', 'd', 'e', 'f']))).to.include({ kind: 'refused' });
      expect(await embed(embedder, ['a'])).to.have.length(1);
      server.planned.push('silent');
      expect(await failureOf(embed(embedder, ['a']))).to.include({ kind: 'unavailable' });
      expect(server.requests).to.have.length(3);
    });

    it('names the host that does not answer', async () => {
      const embedder = embedderFor();
      const { host } = new URL(server.url);
      await server.close();
      const error = await failureOf(embed(embedder, ['a']));
      expect(error).to.include({ kind: 'unavailable' });
      expect(error.message).to.include(host).and.include('ECONNREFUSED');
      server = await startOpenAiServer();
    });
  });

  describe('the settings', () => {
    it('keep the built-in embedder without a server, and when it is named', () => {
      expect(parseConfig({}).embedding).to.equal(undefined);
      expect(parseConfig({ OPENAI_API_KEY: 'sk-1', EMBEDDING_MODEL: 'lexical' }).embedding).to.equal(undefined);
      const deps = { fetch, logger: createLogger({ logLevel: 'silent' }) };
      expect(createEmbedder(undefined, deps).id).to.match(/^lexical/);
    });

    it('know a model and its dimensions where only a key is given', () => {
      const { embedding } = parseConfig({ OPENAI_API_KEY: 'sk-1' });
      expect(embedding).to.deep.include({ model: 'text-embedding-3-small', dimensions: 1536 });
      expect(embedding?.server).to.include({ kind: 'openai', baseUrl: 'https://api.openai.com/v1' });
      const large = parseConfig({ OPENAI_API_KEY: 'sk-1', EMBEDDING_MODEL: 'text-embedding-3-large' });
      expect(large.embedding?.dimensions).to.equal(3072);
    });

    it('open OpenAI’s own host as a vendor’s, and any other host as the operator’s', () => {
      const own = parseConfig({ OPENAI_API_KEY: 'sk-1' });
      expect(modelHosts(own)).to.deep.equal(['api.openai.com']);
      expect(hostsOf(own, ['api.openai.com']).filter((host) => host.includes('openai'))).to.deep.equal([]);
      const local = parseConfig({ OPENAI_BASE_URL: 'http://localhost:11434/v1', EMBEDDING_MODEL: 'nomic-embed-text' });
      expect(modelHosts(local)).to.deep.equal([]);
      expect(hostsOf(local, [])).to.include('localhost:11434');
    });

    it('are refused with a sentence for each that cannot be', () => {
      const azure = { AZURE_OPENAI_ENDPOINT: 'https://acme.openai.azure.com', AZURE_OPENAI_API_KEY: 'key' };
      const cases: [Env, RegExp][] = [
        [{ EMBEDDING_MODEL: 'x' }, /^EMBEDDING_MODEL: needs a server/],
        [{ EMBEDDING_DIMENSIONS: '12' }, /^EMBEDDING_DIMENSIONS: needs a server/],
        [{ OPENAI_API_KEY: 'k', EMBEDDING_DIMENSIONS: '0' }, /^EMBEDDING_DIMENSIONS: must be a whole number/],
        [{ OPENAI_API_KEY: 'k\n' }, /^OPENAI_API_KEY: has a space or a line break/],
        [{ OPENAI_BASE_URL: 'http://localhost:1/v1' }, /^EMBEDDING_MODEL: must name a model/],
        [{ OPENAI_BASE_URL: 'localhost', OPENAI_API_KEY: 'k' }, /^OPENAI_BASE_URL: must be an http/],
        [azure, /^EMBEDDING_MODEL: must name the deployment/],
        [{ AZURE_OPENAI_API_KEY: 'k', EMBEDDING_MODEL: 'd' }, /set both or neither/],
        [{ ...azure, EMBEDDING_MODEL: 'd', AZURE_OPENAI_API_VERSION: 'latest' }, /^AZURE_OPENAI_API_VERSION: must be/],
        [{ ...azure, EMBEDDING_MODEL: 'd', OPENAI_API_KEY: 'k' }, /either Azure OpenAI or OPENAI_API_KEY/],
        [{ AZURE_OPENAI_API_VERSION: '2024-10-21' }, /^AZURE_OPENAI_API_VERSION: needs/],
      ];
      for (const [env, expected] of cases) {
        const problems = problemsOf(env);
        expect(problems, JSON.stringify(env)).to.have.length(1);
        expect(problems[0]).to.match(expected);
      }
    });

    it('are tried by the setup checker', async () => {
      const good = await checkEmbedder(parseConfig(server.env));
      expect(good).to.include({ level: 'ok' });
      expect(good.message).to.include('stand-in-embeddings').and.include('256 dimensions');
      const bad = await checkEmbedder(parseConfig({ ...server.env, OPENAI_API_KEY: 'sk-quite-wrong' }));
      expect(bad).to.include({ level: 'fail' });
      expect(bad.message).to.include('OPENAI_API_KEY').and.not.include('sk-quite-wrong');
    });
  });
});
