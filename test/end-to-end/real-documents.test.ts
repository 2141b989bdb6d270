import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { FORMATS } from '../../server/pipeline/normalized.ts';
import type { ImportItem } from '../../server/services/import-service.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { databaseKinds } from '../helpers/database.ts';
import { startHub, type TestHub } from '../helpers/hub.ts';
import { referencePath } from '../helpers/requirements.ts';
import { waitFor } from '../helpers/wait.ts';

type Entry = {
  file: string;
  format: string;
  expect: 'text' | 'encrypted' | 'corrupt' | 'no-text' | 'unsupported';
  alsoAcceptable?: string[];
  match?: 'words' | 'nospace';
  mustContain?: string[];
};

// Uses the real documents that may lie beside the project (../shared/corpus/open); skipped where they are absent.
const folder = referencePath('corpus', 'open');
const importable = new Set<string>(FORMATS);

for (const kind of databaseKinds)
  describe(`importing a folder of real documents (${kind})`, function () {
    this.timeout(300_000);
    let hub: TestHub | undefined;
    let entries: Entry[] = [];
    const rows = new Map<string, ImportItem>();

    before(async function () {
      if (!folder) {
        console.log('Not run: importing real documents: ../shared/corpus/open is not there.');
        return this.skip();
      }
      entries = (JSON.parse(readFileSync(`${folder}/manifest.json`, 'utf8')) as { files: Entry[] }).files;
      hub = await startHub({ database: kind, filesDir: folder });
      const { context, admin } = hub;
      const integration = await connectGoogle(hub, admin);
      const [roots] = await context.browse.roots(admin);
      const items = (roots?.items ?? []).map((root) => ({ integrationId: integration.id, ref: root.ref }));
      const { id } = await context.imports.create(admin, { items });
      await waitFor(
        'the import to finish',
        async () => (await context.imports.get(admin, id)).finishedAt !== null,
        240_000,
      );
      let cursor: string | undefined;
      do {
        const page = await context.imports.get(admin, id, { cursor });
        for (const item of page.items) rows.set(item.name, item);
        cursor = page.nextCursor;
        if (!cursor) {
          const { total, ...states } = page.counts;
          console.log(
            `      ${total} listed:`,
            Object.entries(states)
              .filter(([, count]) => count > 0)
              .map(([state, count]) => `${count} ${state}`)
              .join(', '),
          );
          expect(Object.values(states).reduce((sum, count) => sum + count, 0)).to.equal(total);
        }
      } while (cursor);
    });
    after(() => hub?.close());

    it('has one ledger row for every file of the folder', () => {
      // The manifest itself lies in the folder too.
      for (const { file } of entries) expect(rows.has(file), file).to.equal(true);
      expect(
        rows.size -
          [...rows.values()].filter((row) => row.name === 'manifest.json' || !entries.some((e) => e.file === row.name))
            .length,
      ).to.equal(entries.length);
    });

    it('finds every required sentence in the text of its document', async () => {
      const missing: string[] = [];
      for (const entry of entries.filter((e) => e.expect === 'text' && importable.has(e.format))) {
        const row = rows.get(entry.file);
        if (!row?.documentId || !hub) {
          if (!acceptable(entry, row)) missing.push(`${entry.file}: ${row?.state} ${row?.reason}`);
          continue;
        }
        const document = await hub.context.documents.get(hub.admin, row.documentId);
        const text = normalize(document.text, entry.match);
        for (const sentence of entry.mustContain ?? [])
          if (!text.includes(normalize(sentence, entry.match))) missing.push(`${entry.file}: ${sentence}`);
      }
      expect(missing).to.deep.equal([]);
    });

    it('says of every file without usable text exactly what is wrong with it', () => {
      const wrong: string[] = [];
      for (const entry of entries.filter((e) => e.expect !== 'text')) {
        const row = rows.get(entry.file);
        if (!acceptable(entry, row))
          wrong.push(`${entry.file}: wanted ${entry.expect}, got ${row?.state} ${row?.reasonCode}: ${row?.reason}`);
        else if (row?.state !== 'indexed' && !row?.reason) wrong.push(`${entry.file}: no reason given`);
      }
      expect(wrong).to.deep.equal([]);
    });

    it('keeps answering while and after importing', async () => {
      expect((await fetch(`${hub?.url}/healthz`)).status).to.equal(200);
    });
  });

function acceptable(entry: Entry, row: ImportItem | undefined): boolean {
  if (!row) return false;
  const outcome = row.state === 'indexed' ? 'text' : row.reasonCode?.replace('_', '-');
  const formatOfLater = !importable.has(entry.format) && outcome === 'unsupported';
  return outcome === entry.expect || formatOfLater || (entry.alsoAcceptable ?? []).includes(outcome ?? '');
}

/** The manifest's own rule for comparing texts. */
function normalize(text: string, match: Entry['match']): string {
  const words = text
    .normalize('NFKC')
    .replace(/[\u200B-\u200F\u202A-\u202E\u2060-\u2069\uFEFF\u00AD]/g, '')
    .replace(/[\\*_~`|#]/g, '')
    .replace(/\s+/g, ' ');
  return match === 'nospace' ? words.replace(/\s/g, '') : words;
}
