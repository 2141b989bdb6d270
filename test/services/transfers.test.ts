import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { ProviderError } from '../../providers/errors.ts';
import type { Connection, Fetch, Item, OpenedFile, Provider } from '../../providers/provider.ts';
import { listen } from '../../providers/sandbox/stand-in.ts';
import { createEgress, type Egress } from '../../server/egress/egress.ts';
import { ContentError } from '../../server/pipeline/normalized.ts';
import { createPipeline } from '../../server/pipeline/pipeline.ts';
import { waitFor } from '../helpers/wait.ts';
import { startWorld as startDropbox } from '../providers/dropbox-world.ts';
import { startWorld as startGoogle } from '../providers/google-world.ts';
import { startWorld as startMicrosoft } from '../providers/microsoft-world.ts';
import { bytesOf, failureOf, never, pagesOf } from '../providers/reading.ts';
import type { VendorWorld } from '../providers/world.ts';

type Vendor = {
  title: string;
  start(through: (fetch: Fetch) => Fetch): Promise<VendorWorld>;
  /** The request that gives a file's bytes. */
  isDownload: (path: string) => boolean;
  /** A page of a listing without items and with this place to go on; undefined where such a place is a whole address. */
  page?: (next: string) => unknown;
};

const VENDORS: Vendor[] = [
  {
    title: 'Google Drive',
    start: (through) => startGoogle(through),
    isDownload: (path) => /alt=media/.test(path),
    page: (next) => ({ files: [], nextPageToken: next }),
  },
  {
    title: 'Microsoft 365',
    start: (through) => startMicrosoft(through),
    isDownload: (path) => /\/content$/.test(path),
  },
  {
    title: 'Dropbox',
    start: (through) => startDropbox(through),
    isDownload: (path) => path === '/2/files/download',
    page: (next) => ({ entries: [], cursor: next, has_more: true }),
  },
];

const CONTENT = Buffer.from('The harbour opens at six. '.repeat(40));
/** What Dropbox sends beside the bytes. */
const RESULT = { name: 'harbour.txt', id: 'id:x', rev: 'a1c10ce0dd78', size: CONTENT.length };

for (const vendor of VENDORS)
  describe(`a transfer from ${vendor.title}`, function () {
    this.timeout(120_000);
    let world: VendorWorld;
    let provider: Provider;
    let connection: Connection;
    let egress: Egress;
    let file: Item;
    const asked: URL[] = [];
    const routes = {
      allowedHosts: ['127.0.0.1', 'cdn.example'],
      vendorHosts: [],
      resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    };
    const cdn = {
      host: '',
      seen: [] as { url: string; method: string; headers: IncomingMessage['headers'] }[],
      sent: 0,
      closed: 0,
    };
    const open = ({ signal } = never()): Promise<OpenedFile> => provider.open(connection, file.ref, { signal });

    before(async () => {
      const server = await listen(serve);
      cdn.host = new URL(server.url).host;
      world = await vendor.start(() => {
        // The stand-in is reached as before; the rest of the world by a guarded fetch that knows two names more.
        egress = createEgress(routes);
        return (input, init) => {
          asked.push(new URL(input instanceof Request ? input.url : input));
          return egress.fetch(input, init);
        };
      });
      const closeWorld = world.close.bind(world);
      world.close = async () => {
        await egress.close();
        await closeWorld();
        await server.close();
      };
      ({ provider } = world);
      connection = world.connect();
      const [home] = await provider.roots(connection);
      const pages = await pagesOf(provider, connection, home?.ref ?? '');
      const found = pages.flatMap(({ items }) => items).find(({ name }) => name.startsWith('Übersicht'));
      file = found ?? expect.fail('there is no file to open');
    });
    after(() => world.close());
    beforeEach(() => {
      Object.assign(cdn, { seen: [], sent: 0, closed: 0 });
      asked.length = 0;
    });

    /** A host for downloads, which behaves as its path says. */
    function serve(req: IncomingMessage, res: ServerResponse): void {
      cdn.seen.push({ url: req.url ?? '', method: req.method ?? '', headers: req.headers });
      res.on('close', () => (cdn.closed += 1));
      res.setHeader('content-type', 'text/plain');
      res.setHeader('dropbox-api-result', JSON.stringify(RESULT));
      const mode = /^\/(\w+)/.exec(req.url ?? '')?.[1];
      if (mode === 'whole') return void res.end(CONTENT);
      // Without a Content-Length: only the vendor's own word for the file tells.
      if (mode === 'early') return void res.write(CONTENT.subarray(0, 10), () => res.end());
      if (mode === 'silent') return;
      if (mode === 'stalled') return void res.write(CONTENT.subarray(0, 10));
      if (mode === 'loop') return void res.writeHead(302, { location: '/loop' }).end();
      if (mode === 'chain')
        return void res.writeHead(307, { location: `/chain/${Number((req.url ?? '').slice(7)) + 1}` }).end();
      if (mode === 'endless') {
        const more = (): void => {
          while (!res.destroyed) {
            cdn.sent += 65_536;
            if (!res.write(Buffer.alloc(65_536, 'words '))) return void res.once('drain', more);
          }
        };
        return more();
      }
      const body =
        mode === 'gzip' ? gzipSync(Buffer.from(Array.from({ length: 4000 }, () => Math.random()).join(' '))) : CONTENT;
      if (mode === 'gzip') res.setHeader('content-encoding', 'gzip');
      res.setHeader('content-length', String(Math.max(1000, body.length)));
      res.write(body.subarray(0, 400), () => setImmediate(() => res.destroy()));
    }

    const redirectDownload = (location: string, status = 302): void =>
      world.sandbox.state.failNext(vendor.isDownload, { status, headers: { location } });
    const ended = (lines = 1): Promise<boolean> =>
      waitFor('the vendor to see the line closed', () => cdn.closed === lines && lines === cdn.seen.length);
    /** Why the file could not be brought in whole. */
    const prepareFailing = async (maxFileBytes: number): Promise<unknown> => {
      const pipeline = createPipeline({ maxFileBytes });
      const { signal } = never();
      const opened = await open();
      const error: unknown = await pipeline.prepare(opened, { title: file.name, signal }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      await pipeline.close();
      expect(error, 'the file was taken for whole').to.be.instanceOf(Error);
      return error;
    };

    it('takes neither the token nor a cookie or a header of the vendor’s to the host it is redirected to', async () => {
      for (const status of [301, 302, 303, 307, 308])
        for (const host of [cdn.host, cdn.host.replace('127.0.0.1', 'cdn.example')]) {
          cdn.seen = [];
          redirectDownload(`http://${host}/whole?sig=1`, status);
          expect((await bytesOf(await open())).equals(CONTENT), `${status} to ${host}`).to.equal(true);
          expect(cdn.seen).to.have.length(1);
          const names = Object.keys(cdn.seen[0]?.headers ?? {});
          expect(names.filter((name) => /auth|cookie|token|dropbox|goog|^x-|prefer|client/.test(name))).to.deep.equal(
            [],
          );
        }
    });

    it('ends in an error that can be shown when redirects lead in circles or go on for ever', async () => {
      for (const path of ['loop', 'chain/0']) {
        cdn.seen = [];
        redirectDownload(`http://${cdn.host}/${path}`);
        const error = await failureOf(open());
        expect(error.kind).to.equal('bad_response');
        expect(error.message).to.match(/redirects more than 5 times/);
        expect(cdn.seen).to.have.length(5);
      }
    });

    it('goes nowhere when it is redirected to a host that is not allowed', async () => {
      redirectDownload('http://169.254.169.254/latest/meta-data/');
      const error = await failureOf(open());
      expect(error.kind).to.equal('misconfigured');
      expect(error.message).to.contain('169.254.169.254');
    });

    it('fails when the line breaks before all announced bytes have come, compressed or not', async () => {
      for (const mode of ['short', 'gzip']) {
        redirectDownload(`http://${cdn.host}/${mode}`);
        expect((await failureOf(bytesOf(await open()))).kind, mode).to.equal('transient');
        redirectDownload(`http://${cdn.host}/${mode}`);
        expect(await prepareFailing(10_000_000), mode).to.be.instanceOf(ProviderError);
      }
    });

    it('fails when fewer bytes come than the vendor said of the file, though the line ends in order', async () => {
      redirectDownload(`http://${cdn.host}/early`);
      expect(await prepareFailing(10_000_000)).to.be.instanceOf(ContentError);
    });

    it('stops at the cap when nobody announced how much would come', async () => {
      redirectDownload(`http://${cdn.host}/endless`);
      expect(await prepareFailing(1_000_000)).to.include({ code: 'too_large' });
      await ended();
      // What lies in the buffers of both sides' sockets was on its way already.
      expect(cdn.sent).to.be.within(1_000_000, 16_000_000);
    });

    it('ends at the vendor when the caller gives up: before the answer, while nothing comes, and in the middle', async () => {
      for (const mode of ['silent', 'stalled', 'endless']) {
        Object.assign(cdn, { seen: [], closed: 0 });
        redirectDownload(`http://${cdn.host}/${mode}`);
        const abort = new AbortController();
        const pipeline = createPipeline({ maxFileBytes: 1_000_000_000 });
        const reading = open(abort)
          .then((opened) => pipeline.prepare(opened, { title: file.name, signal: abort.signal }))
          .catch((error: unknown) => error);
        await waitFor('the vendor to be asked', () => cdn.seen.length === 1);
        const reason = new Error(`enough of ${mode}`);
        abort.abort(reason);
        expect(await reading).to.equal(reason);
        await ended();
        await pipeline.close();
      }
    });

    it('ends at the vendor when the file turns out not to be wanted, read or not', async () => {
      for (const mode of ['stalled', 'endless']) {
        Object.assign(cdn, { seen: [], closed: 0 });
        redirectDownload(`http://${cdn.host}/${mode}`);
        (await open()).stream.destroy();
        await ended();
        redirectDownload(`http://${cdn.host}/${mode}`);
        const { stream } = await open();
        await once(stream, 'readable');
        stream.destroy();
        await ended(2);
      }
    });

    it('ends at the vendor when nothing comes for too long', async () => {
      const patient = egress;
      egress = createEgress({ ...routes, timeouts: { headersMs: 300, bodyMs: 300 } });
      try {
        for (const mode of ['silent', 'stalled']) {
          Object.assign(cdn, { seen: [], closed: 0 });
          redirectDownload(`http://${cdn.host}/${mode}`);
          expect((await failureOf(open().then(bytesOf))).kind, mode).to.equal('transient');
          await ended();
        }
      } finally {
        await egress.close();
        egress = patient;
      }
    });

    it('takes an answer that breaks off for a passing fault, never for an empty list', async () => {
      const broken: Connection = {
        ...connection,
        fetch: (_input, init) => egress.fetch(`http://${cdn.host}/short`, { signal: init?.signal }),
      };
      const [home] = await provider.roots(connection);
      const ref = home?.ref ?? '';
      for (const work of [
        () => provider.roots(broken),
        () => provider.list(broken, ref),
        () => provider.get(broken, file.ref),
      ])
        expect((await failureOf(work())).kind).to.equal('transient');
    });

    it('goes on at the configured host only, whatever the place to go on looks like', async function () {
      const [home] = await provider.roots(connection);
      const ref = home?.ref ?? '';
      const { page } = vendor;
      for (const elsewhere of [
        `http://${cdn.host}/whole`,
        `//${cdn.host}/whole`,
        `@${cdn.host}/whole`,
        '../../x?y=z',
      ]) {
        if (page)
          world.sandbox.state.failNext((path) => /files(\/list_folder$|\?)/.test(path), {
            status: 200,
            body: page(elsewhere),
          });
        const next = page ? (await provider.list(connection, ref)).next : elsewhere;
        if (page) expect(next).to.be.a('string');
        asked.length = 0;
        await provider.list(connection, ref, next).then(
          () => expect.fail('there is no such place'),
          (error: unknown) => expect(error).to.be.instanceOf(ProviderError),
        );
        expect(asked.filter(({ origin }) => origin !== new URL(world.sandbox.url).origin)).to.deep.equal([]);
      }
      expect(cdn.seen).to.deep.equal([]);
    });
  });
