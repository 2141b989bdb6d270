import { expect } from 'chai';
import { createGoogleDrive } from '../../providers/google-drive/index.ts';
import type { Connection, Fetch, Item } from '../../providers/provider.ts';
import { parseConfig } from '../../server/config.ts';
import { Secret } from '../../server/secret.ts';
import { consent } from '../helpers/connect.ts';
import { describeProvider } from './contract.ts';
import { addressOf, describeWire, recording, type Exchange } from './exchanges.ts';
import { checkExchanges } from './google-contract.ts';
import {
  DRIVE_SCOPE,
  idOf,
  LARGE_EXPORT,
  REDIRECT_URI,
  refusal,
  startVendor,
  startWorld,
  type World,
} from './google-world.ts';
import { bytesOf, failureOf, listAll, never } from './reading.ts';
import { ANN, BEN } from './world.ts';

const exchanges: Exchange[] = [];
/** Bytes of files may be text here. */
const watched = recording(exchanges, /json/);
const FOLDER = 'application/vnd.google-apps.folder';

describeProvider('Google Drive', () => startVendor(watched));

describe('Google Drive', () => {
  let world: World;
  let connection: Connection;
  let home: Item[];

  before(async () => {
    world = await startWorld(watched);
    connection = world.connect();
    const [root] = await world.provider.roots(connection);
    home = await listAll(world.provider, connection, root?.ref ?? '');
  });
  after(() => world.close());

  const refOf = (name: string): string => home.find((item) => item.name === name)?.ref ?? expect.fail(`no ${name}`);
  const request = (loginHint?: string) => ({
    state: 'state-1',
    codeVerifier: 'v'.repeat(64),
    redirectUri: REDIRECT_URI,
    loginHint,
  });

  describe('connecting', () => {
    it('asks for lasting access, for consent every time, for these scopes only, and hints at the account', async () => {
      const url = new URL(await world.provider.auth.authorizationUrl(request('ann@tributary.example')));
      const params = Object.fromEntries(url.searchParams);
      expect(url.origin + url.pathname).to.equal(`${world.sandbox.url}/o/oauth2/v2/auth`);
      expect(params).to.include({ access_type: 'offline', prompt: 'consent', login_hint: 'ann@tributary.example' });
      expect(params.scope).to.equal(`openid email profile ${DRIVE_SCOPE}`);
      expect(params).not.to.have.any.keys('include_granted_scopes', 'client_secret', 'code_verifier');
      const plain = new URL(await world.provider.auth.authorizationUrl(request()));
      expect(plain.searchParams.has('login_hint')).to.equal(false);
    });

    it('goes to Google itself when nothing is overridden', async () => {
      const config = parseConfig({ GOOGLE_CLIENT_ID: 'id', GOOGLE_CLIENT_SECRET: 'hunter2' });
      const url = await createGoogleDrive(config.google).auth.authorizationUrl(request());
      expect(url).to.match(/^https:\/\/accounts\.google\.com\/o\/oauth2\/v2\/auth\?/);
    });

    it('names the missing permission when the person has unticked it', async () => {
      const url = await world.provider.auth.authorizationUrl(request());
      const back = await consent(url, 'Allow', { email: ANN, untick: /Drive/ });
      const code = back.searchParams.get('code') ?? '';
      const error = await failureOf(world.provider.auth.exchange({ ...request(), code }, world.fetch));
      expect(error.kind).to.equal('scope');
      expect(error.message).to.contain(DRIVE_SCOPE);
    });

    it('takes the wider Drive permission for the narrower one', async () => {
      const scope = 'openid https://www.googleapis.com/auth/drive';
      world.plan(/^\/token/, 200, { access_token: 'a', expires_in: 60, scope, token_type: 'Bearer' });
      const tokens = await world.provider.auth.refresh(new Secret('r'), world.fetch);
      expect(tokens.scopes).to.deep.equal(scope.split(' '));
      expect(tokens.refreshToken).to.equal(undefined);
    });

    it('does not accept access that ends after an hour', async () => {
      world.plan(/^\/token/, 200, { access_token: 'a', expires_in: 60, scope: DRIVE_SCOPE, token_type: 'Bearer' });
      const error = await failureOf(world.provider.auth.exchange({ ...request(), code: 'c' }, world.fetch));
      expect(error.kind).to.equal('reconnect');
    });

    it('tells the causes of a refused token request apart', async () => {
      const causes: [number, string, string][] = [
        [400, 'invalid_grant', 'reconnect'],
        [401, 'invalid_client', 'misconfigured'],
        [400, 'unauthorized_client', 'misconfigured'],
        [400, 'redirect_uri_mismatch', 'misconfigured'],
        [403, 'admin_policy_enforced', 'denied'],
        [400, 'invalid_request', 'bad_response'],
        [500, 'internal_failure', 'transient'],
      ];
      for (const [status, error, kind] of causes) {
        world.plan(/^\/token/, status, { error, error_description: 'hunter2' });
        const failure = await failureOf(world.provider.auth.refresh(new Secret('hunter2'), world.fetch));
        expect(failure.kind, error).to.equal(kind);
        expect(failure.message).not.to.contain('hunter2');
      }
    });

    it('ends the grant of the right account at Google', async () => {
      const { accessToken, refreshToken } = world.sandbox.state.issue(BEN);
      const tokens = { accessToken: new Secret(accessToken), refreshToken: new Secret(refreshToken) };
      await world.provider.auth.revoke?.(tokens, world.fetch);
      expect(world.sandbox.state.revoked.at(-1)).to.equal(BEN);
      expect(world.pathsSince(0).filter((path) => path.includes(refreshToken))).to.deep.equal([]);
    });

    it('reports a revocation that Google could not carry out', async () => {
      world.plan(/^\/revoke/, 503);
      const tokens = { accessToken: new Secret('a'), refreshToken: new Secret('r') };
      const ended = world.provider.auth.revoke?.(tokens, world.fetch) ?? Promise.resolve();
      expect((await failureOf(ended)).kind).to.equal('transient');
    });
  });

  describe('browsing', () => {
    it('has My Drive, what is shared, and every shared drive, also beyond the first page', async () => {
      const roots = await world.provider.roots(connection);
      expect(roots).to.have.length(2 + 105);
      expect(roots.slice(0, 3).map(({ name }) => name)).to.deep.equal(['My Drive', 'Shared with me', 'Drive 0']);
    });

    it('lists a shared drive from its own corpus and asks for its items with support for all drives', async () => {
      const drive = (await world.provider.roots(connection))[2];
      const start = world.mark();
      const items = await listAll(world.provider, connection, drive?.ref ?? '');
      await world.provider.get(connection, items[0]?.ref ?? '');
      const [listed, got] = world.pathsSince(start).map((path) => new URL(path, world.sandbox.url).searchParams);
      expect(Object.fromEntries(listed ?? [])).to.include({
        corpora: 'drive',
        driveId: '0ADrive00000000PVA',
        supportsAllDrives: 'true',
        includeItemsFromAllDrives: 'true',
      });
      expect(got?.get('supportsAllDrives')).to.equal('true');
      expect(items.map(({ name }) => name)).to.deep.equal(['Plans', 'Top.txt']);
    });

    it('shows items shared with the account under that root, and what is in their folders below them', async () => {
      const items = await listAll(world.provider, connection, 'shared-with-me');
      expect(items.map(({ name }) => name)).to.deep.equal(['A folder for Ann', 'Given to Ann.txt']);
      expect(items.map(({ parentRef }) => parentRef)).to.deep.equal(['shared-with-me', 'shared-with-me']);
      const inside = await listAll(world.provider, connection, items[0]?.ref ?? '');
      expect(inside.map(({ name }) => name)).to.deep.equal(['In the folder.txt']);
    });

    it('opens a shortcut to a folder as that folder, also across drives', async () => {
      const [plan] = await listAll(world.provider, connection, refOf('Link to Plans'));
      expect(plan).to.include({ name: 'Plan.txt', parentRef: `item:${idOf('plans')}:0ADrive00000000PVA` });
      const deep = await listAll(world.provider, connection, refOf('Deep'));
      expect(deep.map(({ name, kind }) => [name, kind])).to.deep.equal([
        ['Deeper', 'folder'],
        ['Link to Deep', 'folder'],
      ]);
      const again = await listAll(world.provider, connection, deep[1]?.ref ?? '');
      expect(again.map(({ ref }) => ref)).to.deep.equal(deep.map(({ ref }) => ref));
    });

    it('keeps files of the same name apart', async () => {
      const twins = home.filter(({ name }) => name === 'Twin.txt');
      const contents = await Promise.all(
        twins.map(async ({ ref }) => (await bytesOf(await world.provider.open(connection, ref, never()))).toString()),
      );
      expect(contents.sort()).to.deep.equal(['the first', 'the second']);
    });

    it('says whose a file is, where it is somebody’s', () => {
      expect(home.map(({ owner }) => owner))
        .to.include('Ann Oster')
        .and.not.include(undefined);
    });

    it('goes on after an empty page', async () => {
      world.plan(/^\/drive\/v3\/files\?/, 200, { files: [], nextPageToken: 'more' });
      const { items, next } = await world.provider.list(connection, refOf('Many papers'));
      expect({ items, next }).to.deep.equal({ items: [], next: 'more' });
    });

    it('calls a listing that leads back to its own place a bad response', async () => {
      world.plan(/^\/drive\/v3\/files\?/, 200, { files: [], nextPageToken: 'same' });
      const error = await failureOf(world.provider.list(connection, refOf('Many papers'), 'same'));
      expect(error.kind).to.equal('bad_response');
    });

    it('starts over when Google no longer knows the place in a list', async () => {
      const error = await failureOf(world.provider.list(connection, refOf('Many papers'), 'made up'));
      expect(error.kind).to.equal('cursor_expired');
    });

    it('does not take a shared drive that it lost for an empty one', async () => {
      world.plan(/^\/drive\/v3\/files\?/, 200, { files: [] });
      world.plan(/^\/drive\/v3\/drives\//, 404, refusal(404, 'notFound'));
      const error = await failureOf(world.provider.list(connection, 'drive:0ADrive00000000PVA'));
      expect(error.kind).to.equal('gone');
    });

    it('lists an empty folder as empty', async () => {
      const { items, next } = await world.provider.list(connection, refOf('Empty'));
      expect({ items, next }).to.deep.equal({ items: [], next: undefined });
    });

    it('calls an item in the bin gone', async () => {
      world.plan(/^\/drive\/v3\/files\//, 200, { id: 'a', name: 'a', mimeType: 'text/plain', trashed: true });
      expect((await failureOf(world.provider.get(connection, 'item:a'))).kind).to.equal('gone');
    });

    it('shows kinds without content, also ones it has never heard of, with a reason', async () => {
      for (const kind of ['form', 'site', 'map', 'drawing', 'script', 'something-new']) {
        world.plan(/^\/drive\/v3\/files\//, 200, {
          id: 'a',
          name: 'a',
          mimeType: `application/vnd.google-apps.${kind}`,
        });
        const item = await world.provider.get(connection, 'item:a');
        expect(item, kind).to.include({ kind: 'file', importable: false });
        expect(item.reason).to.match(/^Google .*\.$/);
      }
    });

    it('names the field that is missing from an answer', async () => {
      world.plan(/^\/drive\/v3\/files\?/, 200, { files: [{ id: 'a', name: 'a' }] });
      const error = await failureOf(world.provider.list(connection, refOf('Many papers')));
      expect(error.kind).to.equal('bad_response');
      expect(error.message).to.contain('files.0.mimeType');
    });

    it('keeps a path in front of the API, as a proxy has it', async () => {
      const urls: string[] = [];
      const watched: Connection = {
        ...connection,
        fetch: (input) => {
          urls.push(addressOf(input));
          return Promise.resolve(Response.json({ id: 'a', name: 'a', mimeType: 'text/plain' }));
        },
      };
      const config = parseConfig({ ...world.sandbox.env, GOOGLE_API_URL: 'https://proxy.example/to/google/' });
      await createGoogleDrive(config.google).get(watched, 'item:a');
      expect(urls[0]).to.match(/^https:\/\/proxy\.example\/to\/google\/drive\/v3\/files\/a\?/);
    });
  });

  describe('opening', () => {
    it('gives documents of Google’s own in the Office format, with its extension and without a promise of size', async () => {
      const expected: [string, string][] = [
        ['A document', 'A document.docx'],
        ['A sheet', 'A sheet.xlsx'],
        ['Slides', 'Slides.pptx'],
      ];
      for (const [name, exported] of expected) {
        const opened = await world.provider.open(connection, refOf(name), never());
        expect(opened.name).to.equal(exported);
        expect([opened.sizeBytes, opened.hash]).to.deep.equal([undefined, undefined]);
        expect((await bytesOf(opened)).toString()).to.equal(`Words of ${name}.`);
      }
    });

    it('gives a document that is over the limit of exports by its export link', async () => {
      const start = world.mark();
      const opened = await world.provider.open(connection, refOf('A large document'), never());
      expect((await bytesOf(opened)).equals(LARGE_EXPORT)).to.equal(true);
      expect(world.pathsSince(start).at(-1)).to.match(/^\/export-links\//);
    });

    it('sends an export link nowhere but to an allowed host', async () => {
      const type = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
      const document = { id: 'a', name: 'a', mimeType: 'application/vnd.google-apps.document' };
      world.plan(/^\/drive\/v3\/files\/a\?/, 200, {
        ...document,
        exportLinks: { [type]: 'http://127.0.0.1:9/export' },
      });
      world.plan(/^\/drive\/v3\/files\/a\/export/, 403, refusal(403, 'exportSizeLimitExceeded'));
      const error = await failureOf(world.provider.open(connection, 'item:a', never()));
      expect(error.kind).to.equal('misconfigured');
    });

    it('gives a shortcut’s target, and calls it gone where there is none', async () => {
      const opened = await world.provider.open(connection, refOf('Link to a paper'), never());
      expect(opened.name).to.equal('Paper 7.txt');
      expect((await bytesOf(opened)).toString()).to.equal('Words of Paper 7.txt.');
      const error = await failureOf(world.provider.open(connection, refOf('Dangling link'), never()));
      expect(error.kind).to.equal('gone');
    });

    it('does not even try to download what may not be downloaded', async () => {
      const start = world.mark();
      const error = await failureOf(world.provider.open(connection, refOf('Locked.pdf'), never()));
      expect(error.kind).to.equal('not_downloadable');
      expect(world.pathsSince(start).filter((path) => /alt=media/.test(path))).to.deep.equal([]);
    });

    it('leaves alone what Google marks as malware', async () => {
      const start = world.mark();
      world.plan(/alt=media/, 403, refusal(403, 'cannotDownloadAbusiveFile'));
      const error = await failureOf(world.provider.open(connection, refOf('Nothing.txt'), never()));
      expect(error.kind).to.equal('malware');
      expect(world.pathsSince(start).filter((path) => /acknowledgeAbuse/.test(path))).to.deep.equal([]);
    });

    it('shows the resource key of an item that needs one, and of a shortcut’s target', async () => {
      const sent: (string | null)[] = [];
      const answers = (file: object): Connection => ({
        ...connection,
        fetch: (_input, init) => {
          sent.push(new Headers(init?.headers).get('x-goog-drive-resource-keys'));
          return Promise.resolve(Response.json(file));
        },
      });
      const keyed = { id: 'a', name: 'a', mimeType: 'text/plain', resourceKey: '0-key' };
      const { ref } = await world.provider.get(answers(keyed), 'item:a');
      await world.provider.open(answers(keyed), ref, never());
      expect(sent).to.deep.equal([null, 'a/0-key', 'a/0-key']);
      sent.length = 0;
      const shortcutDetails = { targetId: 'b', targetMimeType: FOLDER, targetResourceKey: '0-other' };
      const link = { id: 'a', name: 'a', mimeType: 'application/vnd.google-apps.shortcut', shortcutDetails };
      const item = await world.provider.get(answers(link), 'item:a');
      await world.provider.list(answers({ id: 'b', name: 'b', mimeType: FOLDER, files: [keyed] }), item.ref);
      expect(sent).to.deep.equal([null, 'b/0-other', 'b/0-other']);
    });

    it('fails while reading when a download breaks off', async () => {
      const breaking: Fetch = async (input, init) => {
        const response = await connection.fetch(input, init);
        if (!/alt=media/.test(addressOf(input))) return response;
        const body = new ReadableStream({
          pull(controller) {
            controller.enqueue(Buffer.from('half'));
            controller.error(new TypeError('terminated'));
          },
        });
        return new Response(body, { headers: { 'content-type': 'text/plain' } });
      };
      const opened = await world.provider.open({ ...connection, fetch: breaking }, refOf('Twin.txt'), never());
      expect((await failureOf(bytesOf(opened))).kind).to.equal('transient');
    });

    it('stops a download in the middle when the caller gives up', async () => {
      const abort = new AbortController();
      const opened = await world.provider.open(connection, refOf('A large document'), { signal: abort.signal });
      const reason = new Error('enough');
      const outcome: unknown = await (async () => {
        for await (const _ of opened.stream) abort.abort(reason);
      })().catch((error: unknown) => error);
      expect(outcome).to.equal(reason);
    });
  });
});

describeWire('Google Drive', exchanges, checkExchanges, {
  requests: 300,
  operations: [
    'drive.drives.get',
    'drive.drives.list',
    'drive.files.export',
    'drive.files.get',
    'drive.files.list',
    'google.revoke',
    'google.token',
  ],
});
