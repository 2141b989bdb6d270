import { expect } from 'chai';
import { createSite } from '../../providers/atlassian/sandbox-sites.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import type { WebhookStatus } from '../../server/services/webhook-service.ts';
import { VENDORS } from '../faults/vendors.ts';
import { connectAccountOf } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { entry, followFolder } from '../helpers/followed.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { waitFor } from '../helpers/wait.ts';

onOneDatabase('a hub that its vendors call', function (open) {
  let hub: TestHub;
  beforeEach(async () => {
    hub = await startHub({ database: await open() });
  });
  afterEach(() => hub.close());

  const until = (integration: Integration, what: string, holds: (status: WebhookStatus) => boolean) =>
    waitFor(what, async () => {
      const status = await hub.context.webhooks.status(hub.admin, integration.id);
      return status && holds(status) && status;
    });
  /** Until the schedule's next look, which this does not wait for. */
  const syncedByItself = (name: string): Promise<string> =>
    waitFor(
      `a sync that brings ${name}`,
      async () => {
        await hub.context.syncs.startDue();
        const paths = (await hub.context.database.knex('documents').pluck('path')) as string[];
        return paths.find((path) => path.endsWith(name));
      },
      60_000,
    );

  for (const platform of ['microsoft', 'dropbox'] as const)
    it(`indexes what is new at ${platform} without being asked to`, async function () {
      this.timeout(180_000);
      const vendor = VENDORS.find((one) => one.platform === platform) ?? expect.fail(`no ${platform}`);
      const { integration, files } = await followFolder(hub, vendor);
      await hub.context.webhooks.set(hub.admin, integration.id, true);
      if (platform === 'dropbox') {
        const { byHand, address, setUp } = await until(integration, 'the switch', ({ wanted }) => wanted);
        expect({ byHand, path: new URL(address).pathname }).to.deep.equal({ byHand: true, path: '/webhooks/dropbox' });
        expect(setUp).to.contain('App Console');
        expect(await hub.sandbox.dropbox.state.registerWebhook(address)).to.equal(true);
      } else {
        const { problem } = await until(integration, 'the watch', (status) => status.watching > 0 || !!status.problem);
        expect(problem).to.equal(undefined);
      }
      const folder = files.find(({ name }) => name === 'Inner') ?? expect.fail('no folder');
      files.push(entry('told.txt', folder.id, 'The harbour master told of a new berth.'));
      await until(integration, 'a call', ({ heard }) => heard > 0);
      await syncedByItself('told.txt');
      expect(hub.logs()).to.not.contain('clientState');
    });

  it('indexes what is new at Jira without being asked to', async function () {
    this.timeout(180_000);
    const [first, ...others] = hub.sandbox.atlassian.state.sites;
    if (!first) return expect.fail('there is no site');
    for (const { members } of others) members.clear();
    const { jira, confluence } = createSite({ name: 'calls', people: first.confluence?.people ?? [] });
    if (!jira) return expect.fail('the site has no Jira');
    Object.assign(first, { jira, confluence });
    const project = jira.addProject({ key: 'PIER', name: 'Pier', issues: 2 });
    const integration = await connectAccountOf(hub, hub.admin, 'jira');
    await waitFor('the feed', async () => (await hub.context.database.knex('change_feeds').first('feed')) && true);
    const ref = `project/${first.cloudId}/${project.id}`;
    const { id } = await hub.context.imports.create(hub.admin, { items: [{ integrationId: integration.id, ref }] });
    await finishedImport(hub, id);
    await hub.context.webhooks.set(hub.admin, integration.id, true);
    const { watching, renewsAt } = await until(integration, 'the watch', (status) => status.watching > 0);
    expect(watching).to.equal(1);
    expect(renewsAt?.getTime()).to.be.greaterThan(Date.now() + 15 * 24 * 3_600_000);
    jira.addIssue('PIER', { summary: 'Lamp is out', description: 'The lamp at berth 7 is out.' });
    await until(integration, 'a call', ({ heard }) => heard > 0);
    await syncedByItself('Lamp is out');
    await hub.context.webhooks.set(hub.admin, integration.id, false);
    await waitFor('the end of the webhook', () => hub.sandbox.atlassian.state.jiraWebhooks.length === 0);
  });
});
