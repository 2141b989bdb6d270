import { expect } from 'chai';
import type { Database } from '../../server/database/database.ts';
import { ProviderError } from '../../providers/errors.ts';
import type { Connection, Provider } from '../../providers/provider.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { parseRetryAfter } from '../../server/services/retry-after.ts';
import { takeTokens } from '../../server/stores/pace-store.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { connectAccount, createConnections, reload } from '../helpers/connections.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { rotatingProvider, startRotatingVendor, type RotatingVendor } from '../helpers/rotating-vendor.ts';
import { failureOf } from '../providers/reading.ts';

const key = generateFernetKey();

describe('Retry-After', () => {
  const now = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');
  it('is read as seconds and as a date, with a least wait for what makes no sense', () => {
    expect(parseRetryAfter('7', now)).to.equal(7000);
    expect(parseRetryAfter('Wed, 21 Oct 2026 07:28:30 GMT', now)).to.equal(30_000);
    expect(parseRetryAfter('0', now)).to.equal(500);
    expect(parseRetryAfter('Wed, 21 Oct 2026 07:00:00 GMT', now)).to.equal(500);
    for (const garbage of ['-5', 'soon', '', undefined, null, '1e9999x'])
      expect(parseRetryAfter(garbage, now), String(garbage)).to.equal(undefined);
  });
});

onEachDatabase('a connection', (open) => {
  let database: Database;
  let vendor: RotatingVendor;
  let provider: Provider;
  let made: ReturnType<typeof createConnections>;
  let integration: Integration;
  let connection: Connection;
  beforeEach(async () => {
    database = await open();
    vendor = await startRotatingVendor();
    provider = rotatingProvider(vendor.url);
    made = createConnections(database, provider, vendor.url, key);
    integration = await connectAccount(database, made.credentials, vendor.tokens, false);
    connection = made.connections.open(integration);
  });
  afterEach(async () => {
    await made.egress.close();
    await vendor.close();
    await database.close();
  });

  const ask = async (init?: RequestInit) => {
    const answer = await connection.fetch(`${vendor.url}/files`, init);
    return { status: answer.status, text: await answer.text() };
  };

  it('refreshes once when a token is refused, and repeats the request, POST included', async () => {
    vendor.callBack();
    expect(await ask({ method: 'POST', body: '{}' })).to.deep.equal({ status: 200, text: 'fine' });
    expect([vendor.refreshes, vendor.requests.length]).to.deep.equal([1, 2]);
  });

  it('gives the grant up when the vendor refuses the new token too', async () => {
    vendor.planned.push({ status: 401 }, { status: 401 });
    expect((await failureOf(ask())).kind).to.equal('reconnect');
    expect(vendor.refreshes).to.equal(1);
    expect((await reload(database, integration)).status).to.equal('needs_reconnect');
  });

  it('refreshes once for many requests whose token was refused', async () => {
    vendor.callBack();
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask()));
    expect(answers.every(({ status }) => status === 200)).to.equal(true);
    expect(vendor.refreshes).to.equal(1);
  });

  it('rides out faults and broken connections', async () => {
    vendor.planned.push({ status: 500 }, 'reset', { status: 502, body: '<html>' });
    expect((await ask()).status).to.equal(200);
    expect(vendor.requests).to.have.length(4);
  });

  it('hands on a fault that stays', async () => {
    vendor.planned.push(...Array.from({ length: 4 }, () => ({ status: 500 })));
    expect((await ask()).status).to.equal(500);
    expect(vendor.requests).to.have.length(4);
  });

  it('hands on a refusal with its body, at once', async () => {
    vendor.planned.push({ status: 403, body: '{"error":"no"}' });
    expect(await ask()).to.deep.equal({ status: 403, text: '{"error":"no"}' });
    expect(vendor.requests).to.have.length(1);
  });

  it('waits a short pause out, for all requests, and never comes before its end', async () => {
    vendor.planned.push({ status: 429, headers: { 'retry-after': '1' } });
    expect((await ask()).status).to.equal(200);
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask()));
    expect(answers.every(({ status }) => status === 200)).to.equal(true);
    const [refused = 0, ...later] = vendor.requests;
    expect(Math.min(...later) - refused).to.be.at.least(1000);
  });

  it('plans a long pause instead of sleeping: nobody asks before its end, and the integration says until when', async () => {
    vendor.planned.push({ status: 503, headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() } });
    const error = await failureOf(ask());
    expect(error.kind).to.equal('rate_limited');
    expect((error.retryAt?.getTime() ?? 0) - Date.now()).to.be.within(50_000, 61_000);
    expect(error.message).to.match(/Resumes at (\d{4}-\d\d-\d\d )?\d\d:\d\d UTC/);
    expect((await failureOf(ask())).kind).to.equal('rate_limited');
    expect(vendor.requests).to.have.length(1);
    const until = (await made.governor.throttledUntil([integration])).get(integration.id);
    expect(Math.abs((until?.getTime() ?? 0) - (error.retryAt?.getTime() ?? 0))).to.be.below(3000);
    const elsewhere = createConnections(database, provider, vendor.url, key);
    const other = elsewhere.connections.open(integration).fetch(`${vendor.url}/files`);
    expect((await failureOf(other)).kind, 'another process keeps to it too').to.equal('rate_limited');
    expect(vendor.requests).to.have.length(1);
    await elsewhere.egress.close();
  });

  it('asks the provider where the vendor throttles in its own way', async () => {
    provider.judge = ({ status, text }) =>
      status === 403 && text.includes('tooFast') ? { kind: 'throttled', waitMs: 600 } : undefined;
    vendor.planned.push({ status: 403, body: '{"reason":"tooFast"}' });
    expect((await ask()).status).to.equal(200);
    expect((vendor.requests[1] ?? 0) - (vendor.requests[0] ?? 0)).to.be.at.least(600);
  });

  it('does not refresh a token when the vendor means something else by 401', async () => {
    provider.judge = () => ({ kind: 'final' });
    vendor.planned.push({ status: 401, body: 'scope does not match' });
    expect(await ask()).to.deep.equal({ status: 401, text: 'scope does not match' });
    expect(vendor.refreshes).to.equal(0);
  });

  it('keeps a wait that the token endpoint asked for', async () => {
    const refresh = provider.auth.refresh.bind(provider.auth);
    let tries = 0;
    provider.auth.refresh = (token, fetch) => {
      if (++tries > 1) return refresh(token, fetch);
      throw new ProviderError('rate_limited', 'google_drive', 'slow down', { retryAt: new Date(Date.now() + 30_000) });
    };
    vendor.callBack();
    expect((await failureOf(ask())).kind).to.equal('rate_limited');
    expect((await failureOf(ask())).kind).to.equal('rate_limited');
    expect(tries).to.equal(1);
    expect((await reload(database, integration)).status).to.equal('active');
  });

  it('names a missing permission on the integration, and counts the operator’s mistakes once', async () => {
    await made.connections.noteFailure(
      integration,
      new ProviderError('scope', 'google_drive', 'files.read is missing.'),
    );
    expect(await reload(database, integration)).to.include({
      status: 'missing_scope',
      statusDetail: 'files.read is missing.',
    });
    for (let times = 0; times < 3; times++)
      await made.connections.noteFailure(
        integration,
        new ProviderError('misconfigured', 'google_drive', 'The API is off.'),
      );
    expect(await database.knex('platform_problems').pluck('detail')).to.deep.equal(['The API is off.']);
  });

  it('ends with the caller’s reason when the caller aborts', async () => {
    const reason = new Error('changed my mind');
    vendor.planned.push({ status: 500 });
    const work = ask({ signal: AbortSignal.abort(reason) });
    expect(await work.catch((error: unknown) => error)).to.equal(reason);
    expect(vendor.requests).to.have.length(0);
  });

  it('draws from buckets that fill at the vendor’s pace', async () => {
    const bucket = { key: 'integration:test', perSecond: 10, burst: 3 };
    const waits: number[] = [];
    for (let times = 0; times < 6; times++) waits.push((await takeTokens(database.knex, [bucket])).waitMs);
    expect(waits.slice(0, 3)).to.deep.equal([0, 0, 0]);
    // The fourth to sixth have places in the queue, a tenth of a second apart, less the time that went by.
    expect(waits[5]).to.be.within(1, 300);
    expect(waits[5]).to.be.above(waits[3] ?? 0);
  });
});
