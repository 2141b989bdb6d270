import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import type { ImportItem } from '../../server/services/import-service.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { mainKind, openTestDatabase } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { mismatches, realDocuments, type Outcome } from '../helpers/real-documents.ts';
import { notRun } from '../helpers/requirements.ts';

const real = realDocuments();
if (!real) notRun('the import of real documents', 'the reference documents are not beside the project');
else
  describe('a folder of real documents, imported in one go', function () {
    this.timeout(180_000);
    let hub: TestHub;
    before(async () => {
      hub = await startHub({ database: await openTestDatabase(mainKind), filesDir: real.folder });
    });
    after(() => hub.close());

    async function wholeLedger(id: string): Promise<ImportItem[]> {
      const items: ImportItem[] = [];
      for (let cursor: string | undefined; ;) {
        const page = await hub.context.imports.get(hub.admin, id, { cursor });
        items.push(...page.items);
        if (!page.nextCursor) return items;
        cursor = page.nextCursor;
      }
    }

    it('gives every file its text, or a state and a reason that say what it is', async () => {
      const { browse, imports, documents, search } = hub.context;
      const integration = await connectGoogle(hub, hub.admin);
      const roots = await browse.list(hub.admin, integration.id, {});
      const ref = roots.items.find(({ name }) => name === 'My Drive')?.ref ?? '';
      const startedAt = Date.now();
      const { id } = await imports.create(hub.admin, { items: [{ integrationId: integration.id, ref }] });
      const summary = await finishedImport(hub, id, 170_000);
      const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
      const ledger = new Map((await wholeLedger(id)).map((item) => [item.name, item]));
      expect(summary.status).to.equal('finished');
      // One row a file that was listed: the documents and their manifest.
      expect([...ledger.keys()].sort()).to.deep.equal(readdirSync(real.folder).sort());
      expect(summary.counts.total).to.equal(ledger.size);

      const wrong: string[] = [];
      const outcomes = new Map<Outcome, number>();
      for (const entry of real.files) {
        const item = ledger.get(entry.file);
        if (!item) continue;
        const outcome = item.documentId ? 'text' : ((item.reasonCode ?? '').replace('_', '-') as Outcome);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (!item.documentId && !item.reason) wrong.push(`${entry.file}: no reason`);
        if (!['indexed', 'skipped', 'failed'].includes(item.state)) wrong.push(`${entry.file}: ${item.state}`);
        const document = item.documentId ? await documents.get(hub.admin, item.documentId) : undefined;
        const chunks = document?.chunks.map(({ text, headingPath, tokenCount }) => ({
          text: `${document.title}\n${headingPath.join('\n')}\n${text}`,
          tokenCount,
        }));
        wrong.push(
          ...mismatches(entry, outcome, document && { text: document.text, chunks: chunks ?? [] }).map(
            (problem) => `${entry.file}: ${problem}`,
          ),
        );
      }
      const counts = [...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
      console.log(`      Real documents: ${ledger.size} rows in ${seconds} s; ${counts}.`);
      expect(wrong).to.deep.equal([]);
      const [hit] = await search.search(hub.admin, { query: 'trace-based just-in-time compilation of JavaScript' });
      expect(hit?.title).to.equal('pdfjs__tracemonkey.pdf');
      expect(hit?.page).to.be.a('number');
    });
  });
