import { expect } from 'chai';
import { createPostgresIndex } from '../../server/index/postgres.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { signInAs, textOf, type Visitor } from '../helpers/visitor.ts';
import { addDocument } from '../index/passages.ts';

onOneDatabase('the start page', (open) => {
  let hub: TestHub;
  let admin: Visitor;
  let member: Visitor;
  before(async () => {
    hub = await startHub({ database: await open() });
    admin = await signInAs(hub.url, hub.admin.email);
    member = await signInAs(hub.url, hub.member.email);
  });
  after(() => hub.close());

  const page = async (visitor: Visitor): Promise<string> => textOf((await visitor.get('/admin')).html);

  it('is where a visitor of the hub arrives, and says how to begin', async () => {
    expect((await admin.get('/')).location).to.equal('/admin');
    expect(await page(admin))
      .to.contain('Begin with an account')
      .and.not.to.contain('Latest imports');
  });

  it('shows what there is, what came lately, and which account needs a person, each user their own', async () => {
    const { database } = hub.context;
    const { id } = await connectGoogle(hub, hub.admin);
    expect(await page(admin))
      .to.contain('Accounts 1 all in order')
      .and.to.contain('Nothing has been imported yet');
    for (const title of ['one', 'two', 'three'])
      await addDocument(database, createPostgresIndex(database), hub.admin.id, [`${title} passage`], { title });
    const [last] = (await database.knex('documents').select('id')) as { id: string }[];
    await database
      .knex('documents')
      .where({ id: last!.id })
      .update({ imported_at: new Date(Date.now() - 40 * 86_400_000) });
    await database
      .knex('user_integrations')
      .where({ id })
      .update({ status: 'needs_reconnect', status_detail: 'The grant has ended.' });
    const text = await page(admin);
    expect(text).to.contain('Documents 3').and.to.contain('Passages 3').and.to.contain('1 need attention');
    expect(text).to.contain('An account needs attention').and.to.contain('The grant has ended.');
    expect(text)
      .to.contain('2 documents in the last 14 days, at most 2 a day')
      .and.to.contain('Google Drive 3 documents');
    expect(await page(member))
      .to.contain('Begin with an account')
      .and.not.to.contain('Google Drive');
  });

  it('shows admins, and nobody else, what models were asked for', async () => {
    await hub.context.database.knex('model_usage').insert({
      day: hub.context.database.knex.raw(`(now() at time zone 'utc')::date`),
      purpose: 'answers',
      model: 'a-model at example.com',
      requests: 1_234,
      tokens_in: 3_000_000,
      tokens_out: 1,
    });
    expect(await page(admin)).to.contain('a-model at example.com Answers 1,234 3,000,001 –');
    expect(await page(member)).not.to.contain('a-model');
  });
});
