import { expect } from 'chai';
import express, { type ErrorRequestHandler } from 'express';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rateLimit } from '../../server/api/authentication.ts';
import type { AppError } from '../../server/errors.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { openClient, problem } from './client.ts';

describe('the rate limit of the JSON API', () => {
  let server: Server;
  let url: string;

  before(async () => {
    const app = express();
    app.use((req, _res, next) => {
      req.account = { id: req.get('user') ?? '', email: 'ada@example.com', name: 'Ada', role: 'member' };
      next();
    });
    app.use(rateLimit(3));
    app.get('/', (_req, res) => res.json({}));
    const answer: ErrorRequestHandler = (error: AppError, _req, res, _next) =>
      void res.status(error.status).json({ code: error.code, detail: error.message });
    app.use(answer);
    await new Promise<void>((resolve) => {
      server = app.listen(0, '127.0.0.1', () => resolve());
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });
  after((done) => void server.close(done));

  it('counts each user alone and says how long to wait', async () => {
    const call = (user: string) => fetch(url, { headers: { user } });
    for (const remaining of [2, 1, 0]) {
      const response = await call('ada');
      expect(response.status).to.equal(200);
      expect(response.headers.get('ratelimit')).to.include(`r=${remaining}`);
    }
    const refused = await call('ada');
    expect(refused.status).to.equal(429);
    expect(((await refused.json()) as { code: string }).code).to.equal('rate_limited');
    expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60);
    expect((await call('bo')).status).to.equal(200);
  });
});

onOneDatabase('the rate limit of a hub', (open) => {
  let hub: TestHub;
  before(async () => {
    hub = await startHub({ database: await open() });
  });
  after(() => hub?.close());

  it('is told with every answer, counts older names too, and refuses what is too much until there is more again', async () => {
    const { call, tokenOf } = await openClient(hub);
    const left = (response: Response) => Number(/r=(\d+)/.exec(response.headers.get('ratelimit') ?? '')?.[1]);
    const first = await call('GET', '/nowhere');
    await problem(first, 404, 'not_found');
    expect(left(first)).to.equal(599);
    const authorization = `Bearer ${tokenOf(hub.admin)}`;
    const alias = await fetch(`${hub.url}/integrations/jira/projects/fetch`, { headers: { authorization } });
    expect(left(alias)).to.equal(598);
    for (let at = 0; at < 598; at += 26) await Promise.all(Array.from({ length: 26 }, () => call('GET', '/nowhere')));
    for (const refused of [await call('GET', '/nowhere'), await call('GET', '/integrations')]) {
      await problem(refused, 429, 'rate_limited');
      expect(left(refused)).to.equal(0);
      expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60);
    }
    expect((await call('GET', '/integrations', { user: hub.member })).status).to.equal(200);
  });
});
