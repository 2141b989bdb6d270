import { expect } from 'chai';
import type { Connection } from '../../providers/provider.ts';
import { Secret } from '../../server/secret.ts';
import { DRIVE_SCOPE, idOf, refusal, startWorld, type World } from './google-world.ts';
import { connectionWith, failureOf, never } from './reading.ts';
import { ANN, BEN } from './world.ts';

describe('Google Drive, when it fails', () => {
  let world: World;
  let connection: Connection;

  before(async () => {
    world = await startWorld();
    connection = world.connect();
  });
  after(() => world.close());

  it('tells Google’s reasons apart', async () => {
    const reasons: [number, string, string][] = [
      [403, 'rateLimitExceeded', 'rate_limited'],
      [403, 'userRateLimitExceeded', 'rate_limited'],
      [403, 'dailyLimitExceeded', 'rate_limited'],
      [403, 'downloadQuotaExceeded', 'rate_limited'],
      [429, 'rateLimitExceeded', 'rate_limited'],
      [403, 'insufficientPermissions', 'scope'],
      [403, 'insufficientScopes', 'scope'],
      [403, 'cannotDownloadFile', 'not_downloadable'],
      [403, 'fileNotDownloadable', 'not_downloadable'],
      [403, 'cannotDownloadAbusiveFile', 'malware'],
      [403, 'exportSizeLimitExceeded', 'too_large'],
      [403, 'accessNotConfigured', 'misconfigured'],
      [403, 'domainPolicy', 'denied'],
      [403, 'insufficientFilePermissions', 'denied'],
      [403, 'constructor', 'denied'],
      [404, 'notFound', 'gone'],
      [401, 'authError', 'reconnect'],
      [500, 'internalError', 'transient'],
      [503, 'rateLimitExceeded', 'transient'],
      [400, 'badRequest', 'bad_response'],
    ];
    for (const [status, reason, kind] of reasons) {
      world.plan(/^\/drive\/v3\/files\//, status, refusal(status, reason, 'Words of Google.'));
      const error = await failureOf(world.provider.get(connection, 'item:a'));
      expect(error.kind, reason).to.equal(kind);
      expect(error.status).to.equal(status);
      expect(error.message)
        .to.match(/^\p{Lu}.*\.$/u)
        .and.not.to.contain('Words of Google');
    }
  });

  it('finds the reason of a refused download too, whose body is a stream', async () => {
    world.plan(/\/export\?/, 403, refusal(403, 'userRateLimitExceeded'));
    const error = await failureOf(world.provider.open(connection, `item:${idOf('doc')}`, never()));
    expect(error.kind).to.equal('rate_limited');
  });

  it('waits long for a daily limit, and until the time that Google names in words', async () => {
    world.plan(/^\/drive\/v3\/files\//, 403, refusal(403, 'dailyLimitExceeded'));
    const daily = await failureOf(world.provider.get(connection, 'item:a'));
    expect((daily.retryAt?.getTime() ?? 0) - Date.now()).to.be.within(3_500_000, 3_600_000);
    const until = new Date(Date.now() + 240_000);
    const message = `User-rate limit exceeded. Retry after ${until.toISOString()}`;
    world.plan(/^\/drive\/v3\/files\//, 403, refusal(403, 'rateLimitExceeded', message));
    expect((await failureOf(world.provider.get(connection, 'item:a'))).retryAt).to.deep.equal(until);
  });

  it('names the permission that a grant lacks', async () => {
    const narrow = world.connect(ANN, ['openid', 'email']);
    const error = await failureOf(world.provider.roots(narrow));
    expect(error.kind).to.equal('scope');
    expect(error.message).to.contain(DRIVE_SCOPE);
  });

  it('leaves repeating to the connection', async () => {
    const start = world.mark();
    world.plan(/^\/drive\/v3\/files\//, 503);
    await failureOf(world.provider.get(connection, 'item:a'));
    expect(world.sandbox.state.requests.slice(start)).to.have.length(1);
  });

  it('keeps accounts apart', async () => {
    const error = await failureOf(world.provider.open(world.connect(BEN), `item:${idOf('twin 1')}`, never()));
    expect(error.kind).to.equal('gone');
  });

  it('shows neither tokens nor requests in an error', async () => {
    const token = world.sandbox.state.issue(ANN).accessToken;
    world.plan(/^\/drive\/v3\/files\//, 500);
    const error = await failureOf(
      world.provider.get(connectionWith(world.fetch, new Secret(token)), `item:${idOf('doc')}`),
    );
    expect(JSON.stringify([error, error.message, error.stack, error.cause])).not.to.contain(token.slice(5));
  });
});
