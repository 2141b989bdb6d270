import { expect } from 'chai';
import { startHub, type TestHub } from '../helpers/hub.ts';

describe('the content policy of pages', () => {
  let hub: TestHub;
  before(async () => {
    hub = await startHub();
  });
  after(() => hub.close());

  it('lets a form end at the consent page of every service, and at no other place', async () => {
    const { headers } = await fetch(`${hub.url}/sign-in`);
    const [, allowed = ''] = /form-action ([^;]*)/.exec(headers.get('content-security-policy') ?? '') ?? [];
    const origins = await Promise.all(
      [...hub.context.providers.keys()].map(async (platform) => {
        const { url } = await hub.context.grants.start(hub.admin, platform, { sessionId: 'a session' });
        return new URL(url).origin;
      }),
    );
    expect(origins).to.have.length(5);
    expect(new Set(allowed.split(' '))).to.deep.equal(new Set(["'self'", ...origins]));
  });
});
