import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { outlineOf } from '../../server/routes/document-outline.ts';
import { accessibilityFaults, openSignedIn, startBrowser, withBrowser } from '../helpers/browser.ts';
import { onOneDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport, importDrive } from '../helpers/imports.ts';
import { signInAs, textOf, type Visitor } from '../helpers/visitor.ts';

describe('the outline of a document', () => {
  it('has each heading once where it begins, below those it stands under', () => {
    const chunks = [['A'], ['A', 'B'], ['A', 'B'], ['A', 'C'], ['D', 'B'], [], ['D', 'B']].map(
      (headingPath, ordinal) => ({ ordinal, headingPath }),
    );
    expect(outlineOf(chunks, 100)).to.deep.equal({
      cut: false,
      entries: [
        {
          text: 'A',
          ordinal: 0,
          below: [
            { text: 'B', ordinal: 1, below: [] },
            { text: 'C', ordinal: 3, below: [] },
          ],
        },
        { text: 'D', ordinal: 4, below: [{ text: 'B', ordinal: 4, below: [] }] },
        { text: 'D', ordinal: 6, below: [{ text: 'B', ordinal: 6, below: [] }] },
      ],
    });
    expect(outlineOf(chunks, 2)).to.deep.equal({
      cut: true,
      entries: [{ text: 'A', ordinal: 0, below: [{ text: 'B', ordinal: 1, below: [] }] }],
    });
  });
});

onOneDatabase('the page of a document', (open) => {
  let hub: TestHub;
  let folder: string;
  let id: string;
  let visitor: Visitor;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-files-'));
    await writeFile(
      path.join(folder, 'handbook.md'),
      '# Handbook\n\nFor the crew.\n\n## Ropes\n\nRopes are coiled.\n\n## Storms\n\nThe ferry stays in port & harbour.\n',
    );
    hub = await startHub({ database: await open(), filesDir: folder });
    await importDrive(hub);
    id = (await hub.context.documents.list(hub.admin)).documents[0]?.id ?? '';
    visitor = await signInAs(hub.url, hub.admin.email);
  });
  after(async () => {
    await hub.close();
    await rm(folder, { recursive: true });
  });

  it('jumps from the outline to the chunk a heading begins', async () => {
    const { html } = await visitor.get(`/admin/documents/${id}`);
    const outline = /<nav aria-label="Outline">(.*?)<\/nav>/s.exec(html)?.[1] ?? '';
    const links = [...outline.matchAll(/href="([^"]*)">([^<]*)</g)].map(([, href = '', text = '']) => ({ href, text }));
    expect(links.map(({ text }) => text)).to.deep.equal(['Handbook', 'Ropes', 'Storms']);
    const { chunks } = await hub.context.documents.get(hub.admin, id);
    const ropes = chunks.find(({ headingPath }) => headingPath.includes('Ropes'));
    expect(links[1]?.href).to.equal(`/admin/documents/${id}#chunk-${ropes?.ordinal}`);
    expect(html).to.contain(`id="chunk-${ropes?.ordinal}"`);
  });

  it('shows what is embedded, with the title and headings in front of it and the tokens of all', async () => {
    const { html } = await visitor.get(`/admin/documents/${id}?view=embedded`);
    expect(html).to.match(
      /<div class="chunk__text">handbook\.md › Handbook › Storms\n\n[^<]*The ferry stays in port &amp; harbour\./,
    );
    expect(html).to.match(/\d+ tokens/);
    expect((await visitor.get(`/admin/documents/${id}`)).html).not.to.contain('handbook.md › Handbook › Storms\n\n');
  });

  it('tells every import of it with what the source said then', async () => {
    const before = await hub.context.documents.get(hub.admin, id);
    const { importId } = await hub.context.documents.sync(hub.admin, id);
    await finishedImport(hub, importId);
    const page = await visitor.get(`/admin/documents/${id}?view=history`);
    const text = textOf(page.html);
    expect(text).to.match(/Import, .*Unchanged.*Import, .*Indexed/);
    expect(text.split(before.contentHash.slice(0, 12) + ' ').length - 1).to.equal(2);
    expect(page.html).to.contain(`/admin/imports/${importId}`);
    const visits = await hub.context.documents.history(hub.admin, id);
    expect(visits.map(({ version, contentHash, modifiedAt }) => ({ version, contentHash, modifiedAt }))).to.deep.equal([
      { version: before.version, contentHash: before.contentHash, modifiedAt: before.modifiedAt },
      { version: before.version, contentHash: before.contentHash, modifiedAt: before.modifiedAt },
    ]);
    expect(before.version).to.be.a('string');
  });

  it('tells an attempt that failed, with its reason, and nothing of anybody else', async () => {
    const { knex } = hub.context.database;
    const { importId } = await hub.context.documents.sync(hub.admin, id);
    await finishedImport(hub, importId);
    await knex('import_items')
      .where({ import_id: importId })
      .update({ state: 'failed', reason: 'The vendor was ill.', document_id: null });
    expect(textOf((await visitor.get(`/admin/documents/${id}?view=history`)).html)).to.contain('The vendor was ill.');
    await knex('imports').where({ id: importId }).update({ user_id: hub.member.id });
    expect(textOf((await visitor.get(`/admin/documents/${id}?view=history`)).html)).not.to.contain('ill.');
    const member = await signInAs(hub.url, hub.member.email);
    for (const view of ['', '?view=embedded', '?view=history'])
      expect((await member.get(`/admin/documents/${id}${view}`)).status).to.equal(404);
  });

  withBrowser('in a browser', () => {
    it('marks the chunk that a link leads to, and is accessible in light and dark', async () => {
      const browser = await startBrowser();
      try {
        const page = await openSignedIn(browser, hub.url, hub.admin.email);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          for (const view of ['', '?view=embedded', '?view=history']) {
            await page.goto(`/admin/documents/${id}${view}`);
            expect(await accessibilityFaults(page), `${view} ${colorScheme}`).to.deep.equal([]);
          }
        }
        await page.goto(`/admin/documents/${id}`);
        const shadow = () => page.evaluate<string>("getComputedStyle(document.getElementById('chunk-1')).boxShadow");
        expect(await shadow()).to.equal('none');
        await page.getByRole('link', { name: 'Ropes' }).click();
        expect(await shadow()).not.to.equal('none');
      } finally {
        await browser.close();
      }
    });
  });
});
