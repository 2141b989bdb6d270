import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { checkAnswersOf } from '../helpers/described-answers.ts';

type Answer = { status?: number; type?: string; body?: string; headers?: Record<string, string> };

const LIMIT = { ratelimit: 'r=1', 'ratelimit-policy': 'q=600', 'x-request-id': 'request-1' };
const TOKEN = {
  id: '9994c389-3ae3-45c5-be0c-2b9f17456534',
  name: 'nightly',
  createdAt: '2026-11-21T08:35:10.341Z',
  expiresAt: null,
  lastUsedAt: null,
};
const PROBLEM = {
  type: 'about:blank',
  title: 'Not Found',
  status: 404,
  detail: 'Gone.',
  code: 'not_found',
  requestId: 'x',
};

describe('an answer of the API in a test', () => {
  let server: Server;
  let origin: string;
  let answer: Answer;
  before(async () => {
    server = createServer((_req, res) => {
      const { status = 200, type = 'application/json', body = '', headers = LIMIT } = answer;
      res.writeHead(status, { ...(type ? { 'content-type': type } : {}), ...headers }).end(body);
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    checkAnswersOf(origin);
  });
  after((done) => void server.close(done));

  /** What is wrong with the answer; '' where nothing is. */
  async function faultOf(given: Answer, path = '/api/v1/tokens', method = 'GET'): Promise<string> {
    answer = given;
    return fetch(origin + path, { method, redirect: 'manual' }).then(
      () => '',
      (error: Error) => error.message,
    );
  }
  const tokens = (members: object) => ({ body: JSON.stringify({ tokens: [{ ...TOKEN, ...members }] }) });
  const problem = (members: object = {}, status = 404) => ({
    status,
    type: 'application/problem+json',
    body: JSON.stringify({ ...PROBLEM, ...members }),
  });

  it('passes as it is described', async () => {
    expect(await faultOf(tokens({}))).to.equal('');
    expect(await faultOf({ status: 204, type: '' }, `/api/v1/tokens/${TOKEN.id}`, 'DELETE')).to.equal('');
    expect(await faultOf({ status: 302, type: '' }, '/api/v1/integrations/jira/connect')).to.equal('');
    expect(await faultOf(problem({ retryAt: '2026-11-21T08:35:10Z' }))).to.equal('');
    expect(await faultOf({ body: 'anything' }, '/healthz'), 'outside the API').to.equal('');
  });

  it('fails with a member too many, too few or of another type', async () => {
    expect(await faultOf(tokens({ secret: 'x' }))).to.include('additionalProperty":"secret"');
    expect(await faultOf(tokens({ name: undefined }))).to.include('"missingProperty":"name"');
    expect(await faultOf(tokens({ createdAt: 'yesterday' }))).to.include('must match format');
  });

  it('fails where call, status or media type are not described', async () => {
    expect(await faultOf(tokens({}), '/api/v1/nowhere')).to.include('the call is not described');
    expect(await faultOf(tokens({}), '/api/v1/tokens', 'PUT')).to.include('the call is not described');
    expect(await faultOf({ ...tokens({}), status: 202 })).to.include('the status is not described');
    expect(await faultOf({ type: 'text/html', body: '<p>' })).to.include('text/html is not described');
    expect(await faultOf({ type: '' })).to.include('a body is described');
  });

  it('fails as a refusal that is no problem', async () => {
    expect(await faultOf({ status: 404, body: '{}' })).to.include('is no problem');
    expect(await faultOf(problem({ code: undefined }))).to.include('"missingProperty":"code"');
  });

  it('fails without the headers that all have', async () => {
    expect(await faultOf({ ...tokens({}), headers: {} }))
      .to.include('X-Request-ID is missing')
      .and.include('ratelimit is missing');
    expect(await faultOf({ ...problem(), headers: {} })).to.include('ratelimit-policy is missing');
    expect(await faultOf(problem({ code: 'rate_limited' }, 429))).to.include('Retry-After is missing');
    expect(await faultOf({ ...problem({ code: 'csrf' }, 403), headers: { 'x-request-id': 'x' } })).to.equal('');
  });
});
