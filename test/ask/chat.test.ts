import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { ChatError, createChatModel, type ChatEnd, type ChatModel } from '../../server/ask/chat.ts';
import { checkChat } from '../../server/checks/check-chat.ts';
import { parseConfig, type ConfigError, type Env } from '../../server/config.ts';
import { createEgress, hostsOf, type Egress } from '../../server/egress/egress.ts';
import { modelHosts } from '../../server/model-config.ts';
import { startChatServer, type ChatRequest, type ChatServer } from '../helpers/chat-server.ts';
import { keepLogs } from '../helpers/kept-logs.ts';
import { notRun, referencePath } from '../helpers/requirements.ts';
import { waitFor } from '../helpers/wait.ts';

const MESSAGES = [
  { role: 'system' as const, content: 'Answer from the passages.' },
  { role: 'user' as const, content: 'When does the ferry leave?' },
];

type Call = { method: string; url: string; headers: Record<string, string>; body: string };
type Contract = {
  checkRequest(request: Call): { errors: string[] };
  schema(name: string): (value: unknown) => string[];
};

/** Checks requests and streamed chunks against OpenAI's own description of its API; undefined where that is not there. */
async function faultsOf(requests: ChatRequest[]): Promise<string[] | undefined> {
  const tools = referencePath('specs', 'tools', 'contract.mjs');
  const spec = referencePath('specs', 'openai', 'openai-core.openapi.json');
  if (!tools || !spec) return undefined;
  const { loadContract } = (await import(pathToFileURL(tools).href)) as {
    loadContract: (spec: string, options: { strict: boolean }) => Contract;
  };
  const contract = loadContract(spec, { strict: true });
  const chunk = contract.schema('CreateChatCompletionStreamResponse');
  const error = contract.schema('ErrorResponse');
  return requests.flatMap(({ path, body, status, answer }) => [
    ...contract.checkRequest({
      method: 'POST',
      url: `http://stand-in${path}`,
      headers: { 'content-type': 'application/json' },
      body,
    }).errors,
    ...answer.flatMap((part) => (status === 200 ? chunk : error)(JSON.parse(part))),
  ]);
}

describe('a model that writes answers', function () {
  this.timeout(60_000);
  let server: ChatServer;
  let egress: Egress | undefined;
  let kept: ReturnType<typeof keepLogs>;

  beforeEach(async () => {
    server = await startChatServer();
    server.reply = () => 'The ferry leaves at nine. [1]';
    kept = keepLogs();
  });
  afterEach(async () => {
    await egress?.close();
    egress = undefined;
    await server.close();
  });

  function modelFor(env: Env = {}, timeouts?: { headersMs?: number; bodyMs?: number }): ChatModel {
    const config = parseConfig({ ...server.env, ...env });
    egress = createEgress({ allowedHosts: hostsOf(config, []), vendorHosts: [], timeouts });
    return createChatModel(config.chat!, { fetch: egress.fetch, logger: kept.logger, backoffMs: 5 });
  }

  async function ask(model: ChatModel, signal = AbortSignal.timeout(15_000)): Promise<{ text: string; end: ChatEnd }> {
    const pieces = model.answer(MESSAGES, signal);
    let text = '';
    for (;;) {
      const { value, done } = await pieces.next();
      if (done) return { text, end: value };
      text += value;
    }
  }
  const failureOf = async (work: Promise<unknown>): Promise<ChatError> => {
    const error: unknown = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(ChatError);
    return error as ChatError;
  };

  it('gives the answer as it comes, and counts tokens in the log without a word of it', async () => {
    const model = modelFor();
    expect(await ask(model)).to.deep.equal({ text: 'The ferry leaves at nine. [1]', end: 'stop' });
    expect(server.requests[0]).to.deep.include({ path: '/v1/chat/completions', messages: MESSAGES, usage: true });
    expect(model.counts).to.deep.equal({ requests: 1, promptTokens: 9, answerTokens: 6 });
    expect(kept.logs()).to.include('"promptTokens":9').and.include('"answerTokens":6');
    expect(kept.logs()).not.to.match(/ferry|sk-stand-in/);
  });

  it('speaks to a deployment of Azure OpenAI', async () => {
    const model = modelFor({
      OPENAI_API_KEY: undefined,
      OPENAI_BASE_URL: undefined,
      AZURE_OPENAI_ENDPOINT: `${server.origin}/`,
      AZURE_OPENAI_API_KEY: server.env.OPENAI_API_KEY,
      CHAT_MODEL: 'our-answers',
    });
    expect((await ask(model)).end).to.equal('stop');
    expect(server.requests[0]).to.include({
      path: '/openai/deployments/our-answers/chat/completions?api-version=2024-10-21',
      key: server.env.OPENAI_API_KEY,
    });
  });

  it('goes without a count where the server refuses to be asked for it', async () => {
    server.countsTokens = false;
    const model = modelFor();
    expect((await ask(model)).end).to.equal('stop');
    expect((await ask(model)).end).to.equal('stop');
    expect(server.requests.map(({ usage }) => usage)).to.deep.equal([true, false, false]);
  });

  it('sends and reads what OpenAI’s own description of its API says', async () => {
    await ask(modelFor());
    server.planned.push({ finish: 'length' }, { status: 400, param: 'messages' });
    await ask(modelFor());
    await failureOf(ask(modelFor()));
    const faults = await faultsOf(server.requests);
    if (!faults)
      return notRun('the check of chat requests against the vendor’s description', 'the description is not there');
    expect(faults).to.deep.equal([]);
  });

  it('tells why an answer ended', async () => {
    const model = modelFor();
    server.planned.push({ finish: 'length' }, { finish: 'content_filter' }, 'refusal');
    const ends = [await ask(model), await ask(model), await ask(model)].map(({ end }) => end);
    expect(ends).to.deep.equal(['length', 'content_filter', 'content_filter']);
    server.reply = () => `${'x'.repeat(99)} `.repeat(300);
    server.msPerWord = 1;
    const long = await ask(model);
    expect(long.end).to.equal('length');
    expect(long.text.length).to.be.within(12_000, 13_000);
    await waitFor('the server to be left', () => server.requests.at(-1)?.left === true);
  });

  it('fails where the answer breaks off, in whatever way, after it gave what came', async () => {
    for (const plan of ['cut', 'ends', 'error'] as const) {
      server.planned.push(plan);
      const pieces = modelFor().answer(MESSAGES, AbortSignal.timeout(15_000));
      let text = '';
      const error = await failureOf(
        (async () => {
          for await (const piece of pieces) text += piece;
        })(),
      );
      expect(text, plan).to.equal('The ferry leaves');
      expect(error.kind, plan).to.be.oneOf(['unavailable', 'bad_response']);
      await egress?.close();
    }
    expect(server.requests).to.have.length(3);
  });

  it('asks once more after a fault, and no oftener', async () => {
    const model = modelFor();
    server.planned.push({ status: 500 });
    expect((await ask(model)).end).to.equal('stop');
    server.planned.push({ status: 502 }, { status: 503, message: 'Overloaded.' });
    const error = await failureOf(ask(model));
    expect(error).to.include({ kind: 'unavailable' });
    expect(error.message).to.include('(503)').and.include('Overloaded.');
    expect(server.requests).to.have.length(4);
  });

  it('waits for a short pause, and tells of a long one without asking before its end', async () => {
    const model = modelFor();
    server.planned.push({ status: 429, retryAfter: '0.5' });
    expect((await ask(model)).end).to.equal('stop');
    expect(server.requests[1]!.at - server.requests[0]!.at).to.be.at.least(490);
    server.planned.push({ status: 429, retryAfter: '600' });
    for (const error of [await failureOf(ask(model)), await failureOf(ask(model))]) {
      expect(error).to.include({ kind: 'rate_limited' });
      expect(error.retryAt!.getTime() - Date.now()).to.be.within(590_000, 600_000);
    }
    expect(server.requests).to.have.length(3);
  });

  it('names the setting that is wrong, once in the log, and never the key', async () => {
    const model = modelFor({ OPENAI_API_KEY: 'sk-quite-wrong' });
    const error = await failureOf(ask(model));
    await failureOf(ask(model));
    expect(error).to.include({ kind: 'misconfigured' });
    expect(error.message).to.include('OPENAI_API_KEY').and.include('401');
    expect(kept.logs().match(/"level":50/g)).to.have.length(1);
    server.planned.push({ status: 404, code: 'model_not_found' });
    expect((await failureOf(ask(model))).message).to.include('CHAT_MODEL');
    server.planned.push({ status: 429, code: 'insufficient_quota', message: 'sk-quite-wrong has no quota.' });
    const quota = await failureOf(ask(model));
    expect(quota.message).to.include('no quota left');
    expect(kept.logs() + error.message + quota.message).not.to.include('sk-quite-wrong');
    server.planned.push({ status: 400, code: 'content_filter', message: 'Filtered by the policy.' });
    expect(await failureOf(ask(model))).to.include({ kind: 'refused' });
  });

  it('gives up on a server that is silent, from the start or in the middle', async () => {
    const model = modelFor({}, { headersMs: 300, bodyMs: 300 });
    server.planned.push('silent');
    expect(await failureOf(ask(model))).to.include({ kind: 'unavailable' });
    server.planned.push('stalls');
    expect(await failureOf(ask(model))).to.include({ kind: 'unavailable' });
  });

  it('stops with the signal’s reason, and leaves the server', async () => {
    for (const plan of ['silent', 'stalls'] as const) {
      const controller = new AbortController();
      const reason = new Error('enough');
      server.planned.push(plan);
      const seen = server.requests.length;
      const work = ask(modelFor(), controller.signal).catch((error: unknown) => error);
      await waitFor(
        'the request',
        () => server.requests.length > seen && (plan === 'silent' || server.requests.at(-1)!.answer.length > 2),
      );
      controller.abort(reason);
      expect(await work).to.equal(reason);
      await waitFor('the server to be left', () => server.requests.at(-1)?.left === true);
      await egress?.close();
    }
  });

  it('is set by CHAT_MODEL, beside either server and with the built-in embedder', () => {
    expect(parseConfig({ OPENAI_API_KEY: 'sk-1' }).chat).to.equal(undefined);
    const config = parseConfig({ OPENAI_API_KEY: 'sk-1', EMBEDDING_MODEL: 'lexical', CHAT_MODEL: 'gpt-4.1' });
    expect(config.embedding).to.equal(undefined);
    expect(config.chat).to.include({ model: 'gpt-4.1' });
    expect(modelHosts(config)).to.deep.equal(['api.openai.com']);
    const local = parseConfig({
      OPENAI_BASE_URL: 'http://localhost:11434/v1',
      EMBEDDING_MODEL: 'lexical',
      CHAT_MODEL: 'qwen3',
    });
    expect(hostsOf(local, [])).to.include('localhost:11434');
    let problems: string[] = [];
    try {
      parseConfig({ CHAT_MODEL: 'gpt-4.1' });
    } catch (error) {
      problems = (error as ConfigError).problems;
    }
    expect(problems).to.have.length(1);
    expect(problems[0]).to.match(/^CHAT_MODEL: needs a server/);
  });

  it('is tried by the setup checker', async () => {
    expect(await checkChat(parseConfig({}))).to.include({ level: 'ok' });
    const good = await checkChat(parseConfig(server.env));
    expect(good).to.include({ level: 'ok' });
    expect(good.message).to.include('stand-in-chat');
    const bad = await checkChat(parseConfig({ ...server.env, OPENAI_API_KEY: 'sk-quite-wrong' }));
    expect(bad).to.include({ level: 'fail' });
    expect(bad.message).to.include('OPENAI_API_KEY').and.not.include('sk-quite-wrong');
  });
});
