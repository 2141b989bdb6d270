import { expect } from 'chai';
import { ProviderError } from '../../providers/errors.ts';
import type { StandingWatch, Watch, Webhooks } from '../../providers/provider.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import type { WebhookStatus } from '../../server/services/webhook-service.ts';
import { VENDORS, type Vendor } from '../faults/vendors.ts';
import { connectAccountOf } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { followFolder } from '../helpers/followed.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { waitFor } from '../helpers/wait.ts';

const GOOGLE = VENDORS[0] as Vendor;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ahead = (ms: number): Date => new Date(Date.now() + ms);

type Row = { id: string; watch_id: string; state: string; renew_at: Date | null; expires_at: Date | null };

onOneDatabase('the orders for vendors’ calls', (open) => {
  let hub: TestHub;
  let integration: Integration;
  let hooks: Webhooks;
  before(async () => {
    hub = await startHub({ database: await open() });
    ({ integration } = await followFolder(hub, GOOGLE));
    hooks = google().webhooks ?? expect.fail('Google Drive makes no calls');
  });
  after(() => hub.close());
  beforeEach(async () => {
    await waitFor('the rest of the test before', isIdle);
    google().webhooks = hooks;
    await account({ webhooks: false, news_at: null, watches_due_at: null, webhooks_problem: null });
    await hub.context.database.knex('watches').delete();
    hub.sandbox.google.state.channels.clear();
    hub.sandbox.google.state.requests.length = 0;
  });

  const google = () => hub.context.providers.get('google_drive') ?? expect.fail('there is no Google Drive');
  const rows = async (): Promise<Row[]> => hub.context.database.knex('watches').orderBy('made_at') as Promise<Row[]>;
  const change = (to: object) => hub.context.database.knex('watches').update(to);
  const account = (to: object) => hub.context.database.knex('user_integrations').update(to);
  const keep = () => hub.context.watches.keep(integration.id, new AbortController().signal);
  const switched = (wanted: boolean) => hub.context.webhooks.set(hub.admin, integration.id, wanted);
  const status = async (): Promise<WebhookStatus> =>
    (await hub.context.webhooks.status(hub.admin, integration.id)) ?? expect.fail('there is no status');
  const isIdle = async () =>
    (await hub.context.database.knex('user_integrations').whereNotNull('watches_claimed_until').first('id')) ===
    undefined;
  /** Switched on, and all of it done. */
  const watched = async (): Promise<Row> => {
    await switched(true);
    const row = await waitFor('the watch', async () => {
      const [first] = await rows();
      return first?.state === 'standing' && (await isIdle()) && first;
    });
    await account({ news_at: null });
    return row;
  };
  const channels = () => [...hub.sandbox.google.state.channels.keys()];
  const asked = (): string[] =>
    hub.sandbox.google.state.requests.flatMap(({ path }) => /changes\/watch|channels\/stop|revoke/.exec(path) ?? []);
  const hasNews = async () =>
    (await hub.context.database.knex('user_integrations').whereNotNull('news_at').first('id')) !== undefined;
  /** Google's hooks with other ways to order calls. */
  const script = (other: Partial<Webhooks>): void => void (google().webhooks = { ...hooks, ...other });

  it('are made for a followed feed when calls are wanted, and what changed until then is synced', async () => {
    expect(await status()).to.include({ wanted: false, watching: 0, byHand: false, impossible: undefined });
    await switched(true);
    await waitFor('the watch', async () => (await status()).watching === 1);
    await waitFor('the news', hasNews);
    const [row] = await rows();
    expect(channels()).to.deep.equal([row?.watch_id]);
    const { renewsAt, problem } = await status();
    expect(problem).to.equal(undefined);
    expect((renewsAt?.getTime() ?? 0) - Date.now()).to.be.closeTo((7 * DAY_MS * 2) / 3, HOUR_MS);
  });

  it('seal the secret that calls are proved by', async () => {
    await watched();
    const token = [...hub.sandbox.google.state.channels.values()][0]?.token ?? '';
    expect(token).to.match(/^[\w-]{43}$/);
    const dump = JSON.stringify(await hub.context.database.knex('watches').select('*'));
    expect(dump).not.to.contain(token);
    expect(hub.logs()).not.to.contain(token);
  });

  it('are replaced when a third of their life is left: the new one is made before the old one ends', async () => {
    const first = await watched();
    await keep();
    expect(asked()).to.have.length(1);
    await change({ renew_at: ahead(-1000), expires_at: ahead(2 * DAY_MS) });
    await keep();
    const [second, ...others] = await rows();
    expect(others).to.deep.equal([]);
    expect(second?.watch_id).not.to.equal(first.watch_id);
    expect(channels()).to.deep.equal([second?.watch_id]);
    expect(asked()).to.deep.equal(['changes/watch', 'changes/watch', 'channels/stop']);
    expect(await hasNews(), 'nothing was missed').to.equal(false);
  });

  it('are made anew when their time is over, and what was missed is synced', async () => {
    const first = await watched();
    await change({ renew_at: ahead(-DAY_MS), expires_at: ahead(-1000) });
    await keep();
    const [second] = await rows();
    expect(second?.watch_id).not.to.equal(first.watch_id);
    expect(await hasNews()).to.equal(true);
  });

  it('are looked after by the clock, in good time before they end', async () => {
    await watched();
    await change({ renew_at: ahead(5 * 60_000) });
    await keep();
    const due = (await hub.context.database.knex('user_integrations').first('watches_due_at')) as {
      watches_due_at: Date;
    };
    expect(due.watches_due_at.getTime()).to.be.closeTo(Date.now() + 5 * 60_000, 10_000);
    await change({ renew_at: ahead(-1000) });
    await account({ watches_due_at: ahead(-1000) });
    await hub.context.watches.queueDue();
    await waitFor('the new watch', () => asked().includes('channels/stop'));
    expect(await hub.context.watches.queueDue()).to.equal(0);
  });

  it('are prolonged where the vendor can, and made anew where it no longer knows them', async () => {
    const said: string[] = [];
    const prolonged: (Watch | undefined)[] = [{ id: 'same', expiresAt: ahead(DAY_MS) }, undefined];
    const secrets: string[] = [];
    script({
      watch: (_connection, _feed, { secret }) => {
        said.push('watch');
        secrets.push(secret.reveal());
        return Promise.resolve({ id: 'same', data: { place: 'here' }, expiresAt: ahead(HOUR_MS) });
      },
      prolong: (_connection, watch: StandingWatch) => {
        said.push(`prolong ${watch.id} ${watch.data?.place}`);
        secrets.push(watch.secret.reveal());
        return Promise.resolve(prolonged.shift());
      },
      unwatch: () => Promise.reject(new Error('nothing is to be ended')),
    });
    await watched();
    await change({ renew_at: ahead(-1000) });
    await keep();
    const [row] = await rows();
    expect(row?.expires_at?.getTime()).to.be.closeTo(Date.now() + DAY_MS, 60_000);
    await change({ renew_at: ahead(-1000) });
    await keep();
    expect(said).to.deep.equal(['watch', 'prolong same here', 'prolong same here', 'watch']);
    expect(secrets[0]).to.equal(secrets[1]).and.to.equal(secrets[2]).and.not.to.equal(secrets[3]);
    expect(await rows()).to.have.length(1);
    expect(await hasNews(), 'what was missed').to.equal(true);
  });

  it('share one order where the vendor serves several feeds by it, which ends with the last', async () => {
    const ended: string[] = [];
    script({
      watch: () => Promise.resolve({ id: 'one for all' }),
      unwatch: (_connection, { id }) => Promise.resolve(void ended.push(id)),
    });
    const { knex } = hub.context.database;
    await knex('change_feeds').insert({ integration_id: integration.id, feed: 'another', cursor: '1' });
    await switched(true);
    await waitFor('both', async () => (await status()).watching === 2 && (await isIdle()));
    await knex('change_feeds').where({ feed: 'another' }).delete();
    await keep();
    expect(await rows()).to.have.length(1);
    expect(ended).to.deep.equal([]);
    await switched(false);
    await waitFor('the end', async () => (await rows()).length === 0);
    expect(ended).to.deep.equal(['one for all']);
  });

  it('say which feeds are not watched, and ask again a day later', async () => {
    let times = 0;
    script({
      watch: () => {
        times += 1;
        return Promise.resolve(undefined);
      },
    });
    await switched(true);
    await waitFor('the answer', async () => (await status()).unwatched === 1 && (await isIdle()));
    await keep();
    expect(times).to.equal(1);
    expect(await status()).to.include({ watching: 0, problem: undefined });
    await change({ renew_at: ahead(-1000) });
    await keep();
    expect(times).to.equal(2);
    expect(await rows()).to.have.length(1);
    await switched(false);
    await waitFor('the end', async () => (await rows()).length === 0);
  });

  it('that fail are told in a sentence and tried again, and hold up no sync', async () => {
    script({
      watch: () => Promise.reject(new ProviderError('scope', 'google_drive', 'The permission to call is missing.')),
    });
    await switched(true);
    await waitFor('the problem', async () => (await status()).problem);
    const { problem, triedAgainAt, watching } = await status();
    expect([problem, watching]).to.deep.equal(['The permission to call is missing.', 0]);
    expect(triedAgainAt?.getTime()).to.be.closeTo(Date.now() + 10 * 60_000, 60_000);
    expect(await rows()).to.deep.equal([]);
    expect((await hub.context.integrations.get(hub.admin, integration.id)).status).to.equal('active');
    const { id } = await hub.context.syncs.start(hub.admin, integration.id);
    expect(await finishedImport(hub, id)).to.include({ status: 'finished' });
    await switched(false);
    expect((await status()).problem).to.equal(undefined);
  });

  it('end when they are switched off, and are ended later where the vendor is away', async () => {
    await watched();
    hub.sandbox.google.state.failNext((path) => path.includes('channels/stop'), { status: 404, body: {} }, 0);
    hub.sandbox.google.state.failNext((path) => path.includes('channels/stop'), { status: 400, body: {} });
    await switched(false);
    await waitFor('the try', async () => (await rows())[0]?.state === 'ending' && (await isIdle()));
    expect(channels()).to.have.length(1);
    expect((await status()).watching).to.equal(0);
    await keep();
    expect(await rows()).to.deep.equal([]);
    expect(channels()).to.deep.equal([]);
  });

  it('end with the last selection, and come back with the next', async () => {
    await watched();
    const [selection] = await hub.context.syncs.selections(hub.admin, integration.id);
    await hub.context.syncs.unfollow(hub.admin, integration.id, selection?.id ?? '');
    await hub.context.watches.queueDue();
    await waitFor('the end', () => channels().length === 0);
    const { items } = await hub.context.browse.list(hub.admin, integration.id, {});
    const [{ ref, name } = expect.fail('nothing is listed')] = items;
    const known = { name, kind: 'folder' as const, path: name };
    await hub.context.imports.create(hub.admin, { items: [{ integrationId: integration.id, ref, known }] });
    await waitFor('the watch', () => channels().length === 1);
  });

  it('are made anew for a new grant, another address, and where the secret cannot be opened', async () => {
    const first = await watched();
    await connectAccountOf(hub, hub.admin, 'google_drive', { integrationId: integration.id });
    await keep();
    const second = (await rows())[0];
    expect(second?.watch_id).not.to.equal(first.watch_id);
    await change({ address: 'https://before.example.com/webhooks' });
    await keep();
    const third = (await rows())[0];
    expect(third?.watch_id).not.to.equal(second?.watch_id);
    await change({ sealed: 'nothing that any key opens' });
    await keep();
    expect((await rows())[0]?.watch_id).not.to.equal(third?.watch_id);
    expect(await rows()).to.have.length(1);
    expect(channels()).to.include((await rows())[0]?.watch_id);
  });

  it('are looked after by one process at a time, which looks again when it is asked to meanwhile', async () => {
    let inside = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    script({
      watch: async (_connection, _feed, { id }) => {
        inside += 1;
        most = Math.max(most, inside);
        await new Promise<void>((done) => gates.push(done));
        inside -= 1;
        return { id };
      },
      unwatch: () => Promise.resolve(),
    });
    await switched(true);
    await waitFor('the first', () => gates.length === 1);
    await Promise.all([keep(), keep()]);
    await switched(false);
    await keep();
    gates[0]?.();
    await waitFor('the end', async () => (await rows()).length === 0 && (await isIdle()));
    expect([most, gates.length]).to.deep.equal([1, 1]);
  });

  it('are taken over from a process that died, whose half-made order is forgotten', async () => {
    await watched();
    await change({ state: 'asked' });
    await account({ watches_claimed_until: ahead(HOUR_MS) });
    await keep();
    expect((await rows())[0]?.state).to.equal('asked');
    await account({ watches_claimed_until: ahead(-1000), watches_due_at: ahead(-1000) });
    await hub.context.watches.queueDue();
    await waitFor('the new watch', async () => (await rows())[0]?.state === 'standing' && (await rows()).length === 1);
  });

  it('are not made where the vendor cannot reach the hub, and the switch says why', async () => {
    const { config } = hub.context;
    const { baseUrl } = config;
    const { apiUrl } = config.google;
    config.google.apiUrl = 'https://www.googleapis.com';
    try {
      for (const address of [
        'http://hub.example.com',
        'https://localhost:3000',
        'https://127.0.0.1',
        'https://10.1.2.3',
      ]) {
        config.baseUrl = address;
        expect((await status()).impossible)
          .to.contain('public https')
          .and.to.contain(address);
        const refused = await switched(true).catch((error: unknown) => error);
        expect(refused).to.include({ status: 409, code: 'webhooks_impossible' });
      }
      config.baseUrl = 'https://hub.example.com';
      expect((await status()).impossible).to.equal(undefined);
    } finally {
      Object.assign(config, { baseUrl });
      Object.assign(config.google, { apiUrl });
    }
  });

  describe('and the syncs that news begin', () => {
    const newest = async (): Promise<{ id: string; status: string }> =>
      (await hub.context.database
        .knex('imports')
        .where({ kind: 'sync' })
        .orderBy('started_at', 'desc')
        .first()) as never;
    const ended = async (): Promise<string> =>
      (
        await waitFor('the end', async () => {
          const sync = await newest();
          return sync.status === 'finished' && sync;
        })
      ).id;
    const tell = (at = ahead(-60_000)) => account({ webhooks: true, news_at: at });
    /** What the scheduler does every few seconds. Gives whether a sync has begun. */
    const begins = async (before: string): Promise<boolean> => {
      await hub.context.syncs.startDue();
      return (await newest()).id !== before;
    };
    /** One that ended, and began long ago. */
    const aged = async (): Promise<string> => {
      const id = await ended();
      await hub.context.database.knex.raw(`update imports set started_at = started_at - interval '1 hour'`);
      return id;
    };
    before(() => hub.context.syncs.start(hub.admin, integration.id));

    it('wait some seconds for more, and are one for all news until then', async () => {
      let last = await aged();
      await tell(ahead(0));
      expect(await begins(last), 'more may come').to.equal(false);
      await tell();
      expect(await begins(last)).to.equal(true);
      expect(await hasNews()).to.equal(false);
      last = await ended();
      await tell();
      expect(await begins(last), 'half a minute has not passed').to.equal(false);
      await aged();
      expect(await begins(last)).to.equal(true);
    });

    it('are one more after one that runs while news come', async () => {
      const last = await aged();
      await hub.context.database.knex('imports').where({ id: last }).update({ status: 'running' });
      await tell();
      expect(await begins(last)).to.equal(false);
      expect((await hub.context.syncs.start(hub.admin, integration.id)).id, 'the one that runs').to.equal(last);
      expect(await hasNews()).to.equal(true);
      await hub.context.database.knex('imports').where({ id: last }).update({ status: 'finished' });
      expect(await begins(last)).to.equal(true);
      expect(await hasNews()).to.equal(false);
    });

    it('leave the schedule as it is, and are none where nothing is followed', async () => {
      await hub.context.syncs.setSchedule(hub.admin, integration.id, '1h');
      const { nextAt } = await hub.context.syncs.schedule(hub.admin, integration.id);
      let last = await aged();
      await tell();
      expect(await begins(last)).to.equal(true);
      expect((await hub.context.syncs.schedule(hub.admin, integration.id)).nextAt).to.deep.equal(nextAt);
      last = await aged();
      const { knex } = hub.context.database;
      const selections = (await knex('selections').select('*')) as object[];
      await knex('selections').delete();
      await tell();
      expect(await begins(last)).to.equal(false);
      expect(await hasNews()).to.equal(false);
      await knex('selections').insert(selections);
    });
  });

  describe('and a disconnect', () => {
    it('ends them before the grant', async () => {
      await watched();
      await hub.context.integrations.disconnect(hub.admin, integration.id, { documents: 'keep' });
      expect(asked()).to.deep.equal(['changes/watch', 'channels/stop', 'revoke']);
      expect(await rows()).to.deep.equal([]);
      expect(channels()).to.deep.equal([]);
    });

    it('is not held up by them', async () => {
      ({ id: integration.id } = await connectAccountOf(hub, hub.admin, 'google_drive'));
      await hub.context.database.knex('watches').insert({
        ...{ integration_id: integration.id, feed: 'own', watch_id: 'unknown', address: hub.url, state: 'standing' },
        sealed: hub.context.vault.seal('secret', 'elsewhere'),
      });
      const { revoked } = await hub.context.integrations.disconnect(hub.admin, integration.id, { documents: 'keep' });
      expect(revoked).to.equal(true);
    });
  });
});
