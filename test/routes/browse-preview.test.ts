import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { ProviderError } from '../../providers/errors.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import { createPreviewService } from '../../server/services/preview-service.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import {
  connectScripted,
  createScriptedProvider,
  type Node,
  type ScriptedProvider,
} from '../helpers/scripted-provider.ts';
import { signInAs, textOf, type Visitor } from '../helpers/visitor.ts';
import { waitFor } from '../helpers/wait.ts';

const MB = 1_048_576;

onOneDatabase('the preview of an item', (open) => {
  let hub: TestHub;
  let integration: Integration;
  let provider: ScriptedProvider;
  let visitor: Visitor;
  const file = (name: string, bytes: string | Buffer | (() => Readable), mediaType = 'text/plain'): Node => ({
    name,
    text: '',
    file: () => ({
      name,
      mediaType,
      stream: typeof bytes === 'function' ? bytes() : Readable.from([Buffer.from(bytes)]),
    }),
  });
  const pages: Node[] = [
    {
      name: 'Timetable',
      text: 'It leaves at <b>seven</b>. &lt;script&gt;alert(1)&lt;/script&gt;',
      details: { Space: 'Ferries & <Quays>', Author: ['Ann', 'Bo'] },
      modifiedAt: new Date(Date.UTC(2026, 2, 1, 8, 12)),
      sizeBytes: 1234,
    },
    file('long.txt', `${'🚢'.repeat(12_000)} the end`),
    { ...file('huge.txt', 'x'), sizeBytes: 11 * MB },
    { ...file('beyond.txt', 'x'), sizeBytes: 900 * MB },
    file('endless.txt', () => Readable.from(Array.from({ length: 12 }, () => Buffer.alloc(MB, 'text ')))),
    file('picture.png', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 'image/png'),
    file('locked.docx', Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), encryptedName(), Buffer.alloc(4000)])),
    file('stuck.txt', () => new Readable({ read() {} })),
    { name: 'Board', locked: 'A board has no text.' },
    file('‏תקציב.txt', 'שלום עולם'),
  ];
  const { TMPDIR } = process.env;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-preview-'));
    hub = await startHub({ database: await open() });
    provider = createScriptedProvider({ roots: [{ name: 'Ferries', below: pages }], listsDeep: true, pageSize: 100 });
    integration = await connectScripted(hub, provider, hub.admin);
    visitor = await signInAs(hub.url, 'admin@example.com');
    process.env.TMPDIR = folder;
  });
  after(async () => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    await hub.close();
    await rm(folder, { recursive: true });
  });

  const address = (name: string, from = '/admin/browse'): string =>
    `/admin/browse/preview?${new URLSearchParams({ integration: integration.id, ref: provider.refOf(name), from }).toString()}`;
  const textShown = (html: string): string =>
    /role="region" aria-label="Text"[^>]*>([^]*?)<\/div>/.exec(html)?.[1] ?? '';
  /** Files on their way to a reader. */
  const spooled = async (): Promise<string[]> =>
    (await readdir(folder)).filter((name) => name.startsWith('tributary-file-'));

  it('is linked from each file’s row, shows what is known and the text escaped, and keeps nothing', async () => {
    const list = `/admin/browse?${new URLSearchParams({ integration: integration.id, ref: 'ferries' }).toString()}`;
    const { html: rows } = await visitor.get(list);
    const link = [...rows.matchAll(/href="([^"]*)" data-preview-link/g)]
      .map(([, href]) => href)[0]
      ?.replaceAll('&amp;', '&');
    expect(link).to.equal(address('Timetable', list));
    const { status, html } = await visitor.get(link ?? '');
    expect(status).to.equal(200);
    const words = textOf(html);
    for (const fact of [
      'Ferries',
      'Web page',
      '1.2 kB',
      '1 Mar 2026, 08:12 UTC',
      'Ann, Bo',
      'Ferries &amp; &lt;Quays&gt;',
    ])
      expect(words).to.contain(fact);
    expect(words).to.match(/Web page, 1 passage, \d+ characters/);
    expect(textShown(html)).to.contain('It leaves at seven. &lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).not.to.contain('<script>alert');
    expect(html).to.contain('href="https://wiki.example/timetable" rel="noreferrer"');
    expect(html).to.contain(`href="${list.replaceAll('&', '&amp;')}">Back to the list`);
    for (const table of ['documents', 'chunks', 'imports'])
      expect(await hub.context.database.knex(table).select('id'), table).to.deep.equal([]);
    expect(await spooled()).to.deep.equal([]);
    expect(hub.logs()).not.to.contain('It leaves at');
  });

  it('gives the part alone to a page that shows it beside its list', async () => {
    const answer = await visitor.fetch(address('Timetable'), { headers: { 'x-fragment': 'preview' } });
    const html = await answer.text();
    expect(html).not.to.contain('<html');
    expect(html).to.contain('Timetable</h2>').and.to.contain('data-preview-close');
  });

  it('shows the first 20,000 characters of a long text, and cuts no character', async () => {
    const { html } = await visitor.get(address('long.txt'));
    expect(textShown(html)).to.equal('🚢'.repeat(10_000));
    expect(textOf(html))
      .to.contain('24,008 characters')
      .and.to.contain('Only the first 20,000 characters are shown here.');
  });

  for (const [name, expected] of [
    ['huge.txt', /larger than 10 MB, so it is not previewed\. It can be imported all the same/],
    ['endless.txt', /larger than 10 MB, so it is not previewed\. It can be imported all the same/],
    ['beyond.txt', /over the limit of .* split it, or ask the operator to raise MAX_FILE_BYTES/],
    ['picture.png', /PNG|picture|image/i],
    ['locked.docx', /password|protect|encrypt/i],
    ['Board', /A board has no text\./],
  ] as const)
    it(`says why there is no text of ${name}, and offers no other try`, async () => {
      const { status, html } = await visitor.get(address(name));
      expect(status).to.equal(200);
      const failure = /class="failure"[^]*?<\/section>/.exec(html)?.[0] ?? '';
      expect(textOf(failure)).to.match(expected);
      expect(failure).not.to.contain('Try again');
      expect(textShown(html)).to.equal('');
      expect(await spooled()).to.deep.equal([]);
    });

  it('opens neither what is too big nor what cannot be imported', () => {
    const opened = provider.asked.opened.map(({ name }) => name);
    expect(opened).to.include('endless.txt').and.not.include.members(['huge.txt']);
    for (const name of ['huge.txt', 'beyond.txt', 'Board']) expect(opened).not.to.include(name);
  });

  it('says what the service says when it is away, with another try; and that an item is gone', async () => {
    provider.failNext('open', 'Timetable', new ProviderError('transient', 'confluence', 'Harbour Wiki is away.'));
    const { html } = await visitor.get(address('Timetable'));
    expect(textOf(html)).to.contain('Harbour Wiki is away.').and.to.contain('1.2 kB');
    const again = /href="([^"]*)" data-preview-link>Try again/.exec(html)?.[1]?.replaceAll('&amp;', '&');
    expect(again).to.equal(address('Timetable'));
    expect(textShown((await visitor.get(again ?? '')).html)).to.contain('It leaves at seven.');
    const gone = await visitor.get(address('Timetable').replace('ref=timetable', 'ref=nowhere'));
    expect(gone.status).to.equal(200);
    expect(textOf(gone.html)).to.contain('The item does not exist any more.');
    for (const address of ['', '?ref=timetable', '?ref=timetable&integration=x', `?integration=${integration.id}`])
      expect((await visitor.get(`/admin/browse/preview${address}`)).status, address).to.equal(404);
  });

  it('gives up after its time, and leaves nothing behind', async () => {
    const { config, database, integrations, providers, connections, pipeline } = hub.context;
    const parts = { config, database, integrations, providers, connections, pipeline };
    const previews = createPreviewService({ ...parts, timeoutMs: 300 });
    const ref = provider.refOf('stuck.txt');
    const { problem, item } = await previews.preview(hub.admin, integration.id, ref, new AbortController().signal);
    expect(item.name).to.equal('stuck.txt');
    expect(problem).to.include({ code: 'timeout', retry: true });
    expect(problem?.message).to.contain('within 0.3 seconds').and.to.contain('import the file');
    expect(await spooled()).to.deep.equal([]);
  });

  it('reads three files at once and no more, and stops when nobody waits any longer', async () => {
    const { previews } = hub.context;
    const ref = provider.refOf('stuck.txt');
    const left = new AbortController();
    const before = provider.asked.opened.length;
    const under = [1, 2, 3].map(() =>
      previews.preview(hub.admin, integration.id, ref, left.signal).catch((error: unknown) => error),
    );
    await waitFor('three previews', () => provider.asked.opened.length === before + 3);
    const { html } = await visitor.get(address('Timetable'));
    expect(textOf(html)).to.contain('Several previews are being read').and.to.contain('Try again');
    left.abort();
    await Promise.all(under);
    expect(textShown((await visitor.get(address('Timetable'))).html)).to.contain('It leaves at seven.');
    expect(await spooled()).to.deep.equal([]);
  });

  it('leads to the document of an item that was imported', async () => {
    const { id } = await hub.context.imports.create(hub.admin, {
      items: [{ integrationId: integration.id, ref: provider.refOf('Timetable') }],
    });
    await finishedImport(hub, id);
    const { html } = await visitor.get(address('Timetable'));
    expect(html).to.match(/badge--indexed" href="\/admin\/documents\/[0-9a-f-]{36}">Imported/);
  });

  it('shows text from right to left, and a folder without text', async () => {
    const { html } = await visitor.get(address('‏תקציב.txt'));
    expect(textShown(html)).to.equal('שלום עולם');
    expect(html).to.match(/aria-label="Text" dir="auto"/);
    expect(textOf((await visitor.get(address('Ferries'))).html)).to.contain('A folder has no text of its own.');
  });
});

/** What the directory of an encrypted Office file holds, in UTF-16. */
function encryptedName(): Buffer {
  return Buffer.from('EncryptedPackage', 'utf16le');
}
