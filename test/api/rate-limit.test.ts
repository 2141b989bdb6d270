import { expect } from 'chai';
import express, { type ErrorRequestHandler } from 'express';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { rateLimit } from '../../server/api/authentication.ts';
import type { AppError } from '../../server/errors.ts';

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
