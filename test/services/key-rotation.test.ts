import { expect } from 'chai';
import type { Database } from '../../server/database/database.ts';
import { Secret } from '../../server/secret.ts';
import { findUnreadableGrants, forgetUnreadableGrants, rotateKeys } from '../../server/services/key-rotation.ts';
import { generateFernetKey } from '../../server/vault/fernet.ts';
import { createVault } from '../../server/vault/vault.ts';
import { connectAccount, createConnections, reload } from '../helpers/connections.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { startHub } from '../helpers/hub.ts';
import { rotatingProvider } from '../helpers/rotating-vendor.ts';

const [oldKey, newKey] = [generateFernetKey(), generateFernetKey()];
const vaultOf = (...keys: string[]) => createVault(keys.map((key) => new Secret(key)));
const URL = 'http://127.0.0.1:9';
const TOKENS = { accessToken: 'access-0', refreshToken: 'refresh-0' };

onEachDatabase('changing the encryption key', (open) => {
  let database: Database;
  beforeEach(async () => {
    database = await open();
  });
  afterEach(() => database.close());
  const withKey = (key: string) => createConnections(database, rotatingProvider(URL), URL, key).credentials;

  it('seals every grant anew, once, and the old key may go', async () => {
    const first = await connectAccount(database, withKey(oldKey), TOKENS, false);
    const second = await connectAccount(database, withKey(newKey), TOKENS, false);
    const vault = vaultOf(newKey, oldKey);
    const seen: number[] = [];
    expect(await rotateKeys({ database, vault }, (done) => void seen.push(done.seen))).to.deep.equal({
      seen: 2,
      resealed: 1,
    });
    expect(seen).to.deep.equal([2]);
    expect(await rotateKeys({ database, vault })).to.deep.equal({ seen: 2, resealed: 0 });
    for (const { id } of [first, second])
      expect((await withKey(newKey).read(id))?.refreshToken?.reveal()).to.equal('refresh-0');
    expect(await withKey(oldKey).read(first.id)).to.equal(undefined);
  });

  it('seals the secrets of vendors’ calls anew, and leaves what no key opens', async () => {
    const { id: integration_id } = await connectAccount(database, withKey(oldKey), TOKENS, false);
    const ids = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];
    const seal = (id: string, key: string) => vaultOf(key).seal(`secret of ${id}`, `watches:${id}`);
    const sealed = [seal(ids[0] ?? '', oldKey), seal(ids[1] ?? '', generateFernetKey())];
    await database.knex('watches').insert(
      ids.map((id, at) => ({
        ...{ id, integration_id, feed: 'own', watch_id: id, address: URL, state: 'standing' },
        sealed: sealed[at],
      })),
    );
    await rotateKeys({ database, vault: vaultOf(newKey, oldKey) });
    const after = (await database.knex('watches').orderBy('id').pluck('sealed')) as string[];
    expect(vaultOf(newKey).open(after[0] ?? '', `watches:${ids[0]}`)).to.equal(`secret of ${ids[0]}`);
    expect(after[1]).to.equal(sealed[1]);
  });

  it('opens no ciphertext that was moved from another row', async () => {
    const first = await connectAccount(database, withKey(oldKey), TOKENS, false);
    const second = await connectAccount(database, withKey(oldKey), TOKENS, false);
    const { sealed } = (await database
      .knex('integration_credentials')
      .where({ integration_id: first.id })
      .first('sealed')) as {
      sealed: string;
    };
    await database.knex('integration_credentials').where({ integration_id: second.id }).update({ sealed });
    expect(await withKey(oldKey).read(second.id)).to.equal(undefined);
    expect(await findUnreadableGrants({ database, vault: vaultOf(oldKey) })).to.deep.equal([second.id]);
  });

  it('asks for a reconnect where a key is lost for good', async () => {
    const lost = await connectAccount(database, withKey(oldKey), TOKENS, false);
    expect(await forgetUnreadableGrants({ database, vault: vaultOf(newKey) })).to.equal(1);
    expect((await reload(database, lost)).status).to.equal('needs_reconnect');
    expect(await findUnreadableGrants({ database, vault: vaultOf(newKey) })).to.deep.equal([]);
  });

  it('stops a start that would leave accounts without their grants, and says what to do', async () => {
    await connectAccount(database, withKey(oldKey), TOKENS, false);
    const failed = await startHub({ database, env: { INTEGRATION_ENCRYPTION_KEY: newKey } }).catch(
      (e: unknown) => e as Error,
    );
    expect(failed).to.be.instanceOf(Error);
    expect((failed as Error).message).to.match(/^1 stored grant cannot be opened with INTEGRATION_ENCRYPTION_KEY/);
    expect((failed as Error).message).to.contain('keys rotate');
  });
});
