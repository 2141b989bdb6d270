import { createHash, randomBytes } from 'node:crypto';
import { createChecksum } from '../../providers/checksums.ts';
import { expect } from 'chai';
import { ProviderError } from '../../providers/errors.ts';
import type { Account, Connection, Fetch, OpenedFile, Provider } from '../../providers/provider.ts';
import { Secret } from '../../server/secret.ts';
import { bytesOf, connectionWith, failureOf, walk, type Walked } from './reading.ts';
import { describeImportListing } from './import-listing-contract.ts';

/** A provider with its vendor's stand-in, as the suite needs them. */
export type Vendor = {
  provider: Provider;
  /** The same with a client secret the vendor does not know. */
  misconfigured: Provider;
  clientSecret: string;
  /** The guarded fetch, without a token. */
  fetch: Fetch;
  redirectUri: string;
  /** Plays the person at the consent page; gives the query that comes back to the redirect URI. */
  consent(url: string, decision: 'allow' | 'deny'): Promise<URLSearchParams>;
  /** Who the person is. */
  account: Account;
  /** Names of all files below the roots; one that stands in two places twice. */
  files: string[];
  /** Nothing in it is without content. */
  allImportable?: true;
  /** Words that find one file. */
  search: { query: string; finds: string };
  /** A well-formed ref of nothing. */
  goneRef: string;
  /** The vendor's next answers to whatever is asked. */
  failNext(answer: { status: number; body?: unknown; headers?: Record<string, string> }, times?: number): void;
  close(): Promise<void>;
};

/** What every provider must do, run against one vendor's stand-in. */
export function describeProvider(title: string, start: () => Promise<Vendor>): void {
  describe(`${title}: what every provider does`, () => {
    let vendor: Vendor;
    let provider: Provider;
    let connection: Connection;
    let walked: Promise<Walked> | undefined;
    const everything = (): Promise<Walked> => (walked ??= walk(provider, connection));
    const open = (ref: string, hint?: string): Promise<OpenedFile> =>
      provider.open(connection, ref, { signal: new AbortController().signal, hint });
    const newRequest = () => ({
      state: randomBytes(16).toString('base64url'),
      codeVerifier: randomBytes(32).toString('base64url'),
      redirectUri: vendor.redirectUri,
    });
    const grant = async () => {
      const request = newRequest();
      const back = await vendor.consent(await provider.auth.authorizationUrl(request), 'allow');
      return { ...request, code: back.get('code') ?? '', back };
    };
    const connect = async () => provider.auth.exchange(await grant(), vendor.fetch);

    before(async () => {
      vendor = await start();
      provider = vendor.provider;
      connection = connectionWith(vendor.fetch, (await connect()).accessToken, vendor.account.id);
    });
    after(() => vendor.close());

    describe('connecting', () => {
      it('asks for consent with the state and an S256 challenge of the verifier, and gives neither secret away', async () => {
        const request = newRequest();
        const url = new URL(await provider.auth.authorizationUrl(request));
        const challenge = createHash('sha256').update(request.codeVerifier).digest('base64url');
        expect(url.searchParams.get('state')).to.equal(request.state);
        expect(url.searchParams.get('code_challenge')).to.equal(challenge);
        expect(url.searchParams.get('code_challenge_method')).to.equal('S256');
        expect(url.searchParams.get('redirect_uri')).to.equal(vendor.redirectUri);
        expect(url.searchParams.get('response_type')).to.equal('code');
        expect(url.href).not.to.contain(request.codeVerifier).and.not.to.contain(vendor.clientSecret);
      });

      it('brings state and code back, and the code becomes tokens that say who the person is', async () => {
        const { back, ...request } = await grant();
        expect(back.get('state')).to.equal(request.state);
        const before = Date.now();
        const tokens = await provider.auth.exchange(request, vendor.fetch);
        expect(tokens.expiresAt.getTime()).to.be.greaterThan(before);
        expect(tokens.refreshToken).to.be.instanceOf(Secret);
        expect(tokens.scopes).to.include.members(provider.definition.scopes.map(({ scope }) => scope));
        const account = await provider.auth.identify(connectionWith(vendor.fetch, tokens.accessToken));
        expect(account).to.deep.equal(vendor.account);
      });

      it('brings a refusal back without a code', async () => {
        const request = newRequest();
        const back = await vendor.consent(await provider.auth.authorizationUrl(request), 'deny');
        expect(back.get('error')).to.equal('access_denied');
        expect(back.get('state')).to.equal(request.state);
        expect(back.has('code')).to.equal(false);
      });

      it('takes a code once only', async () => {
        const request = await grant();
        await provider.auth.exchange(request, vendor.fetch);
        expect((await failureOf(provider.auth.exchange(request, vendor.fetch))).kind).to.equal('reconnect');
      });

      it('takes a code with its own verifier only', async () => {
        const stolen = { ...(await grant()), codeVerifier: randomBytes(32).toString('base64url') };
        expect((await failureOf(provider.auth.exchange(stolen, vendor.fetch))).kind).to.equal('reconnect');
      });

      it('blames the operator for a wrong client secret, at the exchange and at a refresh', async () => {
        const request = await grant();
        const atExchange = await failureOf(vendor.misconfigured.auth.exchange(request, vendor.fetch));
        const { refreshToken } = await connect();
        const atRefresh = await failureOf(
          vendor.misconfigured.auth.refresh(refreshToken ?? new Secret(''), vendor.fetch),
        );
        expect([atExchange.kind, atRefresh.kind]).to.deep.equal(['misconfigured', 'misconfigured']);
      });

      it('refreshes, and the new token works', async () => {
        const { refreshToken, accessToken } = await connect();
        const fresh = await provider.auth.refresh(refreshToken ?? new Secret(''), vendor.fetch);
        expect(fresh.accessToken.reveal()).not.to.equal(accessToken.reveal());
        expect(await provider.roots(connectionWith(vendor.fetch, fresh.accessToken))).not.to.be.empty;
      });

      it('calls a refresh token the vendor does not know a dead grant', async () => {
        const error = await failureOf(provider.auth.refresh(new Secret('hunter2'), vendor.fetch));
        expect(error.kind).to.equal('reconnect');
        expect(JSON.stringify([error.message, error.cause])).not.to.contain('hunter2');
      });

      it('retries later when the token endpoint is busy or broken', async () => {
        const { refreshToken = new Secret('') } = await connect();
        vendor.failNext({ status: 503 });
        expect((await failureOf(provider.auth.refresh(refreshToken, vendor.fetch))).kind).to.equal('transient');
        vendor.failNext({ status: 429, headers: { 'retry-after': '7' } });
        const busy = await failureOf(provider.auth.refresh(refreshToken, vendor.fetch));
        expect(busy.kind).to.equal('rate_limited');
        expect((busy.retryAt?.getTime() ?? 0) - Date.now()).to.be.within(5000, 7000);
      });

      it('ends the grant at the vendor, and once more does no harm', async function () {
        if (!provider.auth.revoke) return;
        const tokens = await connect();
        await provider.auth.revoke(tokens, vendor.fetch);
        const ended = connectionWith(vendor.fetch, tokens.accessToken);
        expect((await failureOf(provider.roots(ended))).kind).to.equal('reconnect');
        const again = provider.auth.refresh(tokens.refreshToken ?? new Secret(''), vendor.fetch);
        expect((await failureOf(again)).kind).to.equal('reconnect');
        await provider.auth.revoke(tokens, vendor.fetch);
      });
    });

    describe('browsing', () => {
      it('has roots that stand on their own', async () => {
        const roots = await provider.roots(connection);
        expect(roots).not.to.be.empty;
        expect(new Set(roots.map(({ ref }) => ref)).size).to.equal(roots.length);
        for (const root of roots) {
          expect(root).to.include({ kind: 'folder', mediaType: 'inode/directory', importable: true });
          expect(root.parentRef).to.equal(undefined);
          expect(await provider.get(connection, root.ref), root.name).to.deep.equal(root);
        }
      });

      it('lists every file once, page by page, down to the last folder', async () => {
        const { files } = await everything();
        expect(files.map(({ name }) => name).sort()).to.deep.equal([...vendor.files].sort());
      });

      it('needs more than one page for at least one folder', async () => {
        const { pages } = await everything();
        expect(pages.filter(({ next }) => next !== undefined)).not.to.be.empty;
      });

      it('shows folders first on every page', async () => {
        for (const { items } of (await everything()).pages) {
          const kinds = items.map(({ kind }) => kind);
          expect(kinds).to.deep.equal([...kinds].sort().reverse());
        }
      });

      it('describes a single item exactly as the listing does, and its parent can be opened', async () => {
        const { files, folders } = await everything();
        const some = [...folders, ...files.filter((file, at) => at % 10 === 0 || !file.importable)];
        for (const item of some) {
          const got = await provider.get(connection, item.ref);
          // The hint is the provider's own business.
          expect({ ...got, hint: undefined }, item.name).to.deep.equal({ ...item, hint: undefined });
          if (!item.parentRef) continue;
          const parent = await provider.get(connection, item.parentRef);
          expect(parent.kind === 'folder' || parent.hasChildren, parent.name).to.equal(true);
        }
      });

      it('says in a sentence why an item cannot be imported', async () => {
        const { files } = await everything();
        for (const { name, importable, reason } of files)
          if (importable) expect(reason, name).to.equal(undefined);
          else expect(reason, name).to.match(/^\p{Lu}.*\.$/u);
      });

      it('finds by words', async function () {
        if (!provider.search) return;
        const page = await provider.search(connection, vendor.search.query);
        expect(page.items.map(({ name }) => name)).to.deep.equal([vendor.search.finds]);
        const [found] = page.items;
        expect(await provider.get(connection, found?.ref ?? '')).to.deep.equal(found);
      });

      it('finds nothing for words that stand nowhere, whatever signs are in them', async function () {
        if (!provider.search) return;
        for (const query of ['xyzzy', "it's \\ \"(quoted)' or trashed = true", '%_*?', "'"]) {
          expect(await provider.search(connection, query), query).to.deep.equal({ items: [], next: undefined });
        }
      });

      it('calls an item that is not there gone, and so a ref it has never made', async () => {
        for (const ref of [vendor.goneRef, 'nonsense', '', '../../etc/passwd', "item:a' or trashed = true"])
          for (const attempt of [
            () => provider.get(connection, ref),
            () => provider.list(connection, ref),
            () => open(ref),
          ])
            expect((await failureOf(attempt())).kind, ref).to.equal('gone');
      });
    });

    describeImportListing(() => ({ provider, connection, everything }));

    describe('opening', () => {
      it('gives every importable file with the bytes, type and checksum that were announced', async () => {
        const { files } = await everything();
        for (const item of files.filter(({ importable, name }) => importable && !/dangling/i.test(name))) {
          const opened = await open(item.ref, item.hint);
          const bytes = await bytesOf(opened);
          expect(opened.mediaType, item.name).to.equal(item.mediaType);
          if (item.version !== undefined) expect(opened.version, item.name).to.equal(item.version);
          if (item.sizeBytes !== undefined) expect(bytes.length, item.name).to.equal(item.sizeBytes);
          if (opened.sizeBytes !== undefined) expect(bytes.length, item.name).to.equal(opened.sizeBytes);
          if (!opened.hash) continue;
          const checksum = createChecksum(opened.hash.algorithm);
          checksum.update(bytes);
          expect(checksum.digest(), item.name).to.equal(opened.hash.hex);
        }
      });

      it('opens a file the same way with what the listing said of it, and with a hint that is none', async () => {
        const { files } = await everything();
        const sound = files.filter(({ importable, name }) => importable && !/dangling/i.test(name));
        const file =
          sound.find(({ hint }) => hint !== undefined) ?? sound.find(({ sizeBytes }) => sizeBytes !== undefined);
        const bytes: Buffer[] = [];
        for (const hint of [undefined, file?.hint, 'no hint of ours', '{"name":7}'])
          bytes.push(Buffer.from(await bytesOf(await open(file?.ref ?? '', hint))));
        for (const other of bytes) expect(other.equals(bytes[0] ?? Buffer.alloc(0))).to.equal(true);
      });

      it('refuses what cannot be imported with the reason the listing gave', async () => {
        const { files } = await everything();
        const locked = files.filter(({ importable }) => !importable);
        expect(locked.length === 0).to.equal(vendor.allImportable === true);
        for (const item of locked) {
          const error = await failureOf(open(item.ref));
          expect(error.kind, item.name).to.equal('not_downloadable');
          expect(error.message).to.equal(item.reason);
        }
      });

      it('refuses to open a folder', async () => {
        const [root] = await provider.roots(connection);
        expect((await failureOf(open(root?.ref ?? ''))).kind).to.equal('not_downloadable');
      });

      it('stops with the caller’s own reason when the caller gives up', async () => {
        const { files } = await everything();
        const file = files.find(({ importable }) => importable);
        const reason = new Error('enough');
        const outcome: unknown = await provider
          .open(connection, file?.ref ?? '', { signal: AbortSignal.abort(reason) })
          .catch((error: unknown) => error);
        expect(outcome).to.equal(reason);
      });
    });

    describe('failing', () => {
      const attempts = (root: string): [string, () => Promise<unknown>][] => [
        ['roots', () => provider.roots(connection)],
        ['list', () => provider.list(connection, root)],
        ['get', () => provider.get(connection, root)],
        ['identify', () => provider.auth.identify(connection)],
      ];

      async function kinds(answer: Parameters<Vendor['failNext']>[0]): Promise<ProviderError[]> {
        const [root] = await provider.roots(connection);
        const errors: ProviderError[] = [];
        for (const [name, attempt] of attempts(root?.ref ?? '')) {
          // More than one: a call may ask the vendor twice at the same time.
          vendor.failNext(answer, name === 'roots' ? 2 : 1);
          errors.push(await failureOf(attempt()));
        }
        return errors;
      }

      it('calls a fault of the vendor transient', async () => {
        for (const status of [500, 502, 503, 504])
          for (const error of await kinds({ status, body: '<h1>Error</h1>' }))
            expect(error).to.include({ kind: 'transient', status });
      });

      it('waits as long as the vendor says, in seconds or until a date', async () => {
        for (const error of await kinds({ status: 429, headers: { 'retry-after': '120' } })) {
          expect(error.kind).to.equal('rate_limited');
          expect((error.retryAt?.getTime() ?? 0) - Date.now()).to.be.within(115_000, 120_000);
        }
        const date = new Date(Math.ceil(Date.now() / 1000) * 1000 + 90_000);
        for (const error of await kinds({ status: 429, headers: { 'retry-after': date.toUTCString() } }))
          expect(error.retryAt).to.deep.equal(date);
      });

      it('waits a while when the vendor names no time or nonsense', async () => {
        for (const headers of [undefined, { 'retry-after': '0' }, { 'retry-after': '-5' }, { 'retry-after': 'soon' }])
          for (const error of await kinds({ status: 429, headers })) {
            expect(error.kind).to.equal('rate_limited');
            expect((error.retryAt?.getTime() ?? 0) - Date.now()).to.be.within(500, 60_000);
          }
      });

      it('asks to connect again when the token is refused', async () => {
        for (const error of await kinds({ status: 401 })) expect(error.kind).to.equal('reconnect');
        const stranger = connectionWith(vendor.fetch, new Secret('hunter2'));
        const error = await failureOf(provider.roots(stranger));
        expect(error.kind).to.equal('reconnect');
        expect(error.message).not.to.contain('hunter2');
      });

      it('takes a page of HTML for a passing fault, never for an empty folder', async () => {
        const answer = { status: 200, body: '<!doctype html><p>Sign in to the network' };
        for (const error of await kinds({ ...answer, headers: { 'content-type': 'text/html' } }))
          expect(error.kind).to.equal('transient');
      });

      it('calls data in another shape a bad response', async () => {
        for (const error of await kinds({ status: 200, body: { unexpected: true } }))
          expect(error.kind).to.equal('bad_response');
      });

      it('hands through what the connection itself reports', async () => {
        const reported = new ProviderError('rate_limited', provider.definition.id, 'Waiting for a free place.');
        const held: Connection = { ...connection, fetch: () => Promise.reject(reported) };
        const [root] = await provider.roots(connection);
        expect(await failureOf(provider.roots(held))).to.equal(reported);
        expect(await failureOf(provider.list(held, root?.ref ?? ''))).to.equal(reported);
        expect(await failureOf(provider.auth.identify(held))).to.equal(reported);
      });

      it('calls a broken line transient', async () => {
        const broken: Connection = { ...connection, fetch: () => Promise.reject(new TypeError('fetch failed')) };
        expect((await failureOf(provider.roots(broken))).kind).to.equal('transient');
      });
    });
  });
}
