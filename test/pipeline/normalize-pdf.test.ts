import { expect } from 'chai';
import { pdf } from '../../providers/sandbox/pdf-writer.ts';
import { pdfBlocks } from '../../server/pipeline/normalize/pdf-layout.ts';
import type { PdfPage } from '../../server/pipeline/normalize/pdf-layout.ts';
import type { TestPipeline } from './prepare-bytes.ts';
import { openTestPipeline } from './prepare-bytes.ts';

describe('PDF', function () {
  this.timeout(120_000);
  let pipeline: TestPipeline;
  before(async () => {
    pipeline = await openTestPipeline();
  });
  after(async () => {
    await pipeline.close();
  });

  const long = 'The duty officer walks round the ship before each sailing and looks at every door, hatch and rail. '
    .repeat(6)
    .trim();

  it('gives headings by size, whole paragraphs, lists, the title, and the page of each chunk', async () => {
    const bytes = pdf(
      [
        [
          { kind: 'heading', level: 1, text: 'Rounds' },
          { kind: 'paragraph', text: long },
          { kind: 'list', ordered: false, items: ['Doors', 'Hatches'] },
        ],
        [
          { kind: 'heading', level: 1, text: 'Reports' },
          { kind: 'paragraph', text: 'Write down what you found.' },
        ],
      ],
      { title: 'Safety rounds' },
    );
    const document = await pipeline.read('rounds.pdf', bytes);
    expect(document).to.include({ format: 'pdf', title: 'Safety rounds' });
    expect(document.text).to.include(`Rounds\n\n${long}\n\n- Doors\n- Hatches`);
    const found = document.chunks.find(({ text }) => text.includes('Write down'));
    expect(found).to.deep.include({ page: 2, headingPath: ['Reports'] });
  });

  it('reports passwords, damage and pages without text', async () => {
    expect(
      await pipeline.refusal('a.pdf', pdf([[{ kind: 'paragraph', text: 'x' }]], { title: 'x', locked: true })),
    ).to.match(/^encrypted: .*password/);
    expect(await pipeline.refusal('a.pdf', '%PDF-1.4\n%%EOF\n')).to.match(/^corrupt: /);
    expect(await pipeline.refusal('a.pdf', 'no PDF at all')).to.match(/^corrupt: /);
    const blank =
      '%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n' +
      '3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n';
    expect(await pipeline.refusal('a.pdf', blank)).to.match(/^no_text: .*OCR/);
  });

  describe('layout', () => {
    /** A page of lines 12 points apart; a line may say where it ends. */
    const page = (number: number, lines: (string | [text: string, right: number])[]): PdfPage => ({
      number,
      fields: [],
      lines: lines.map((line, at) => {
        const [text, right] = typeof line === 'string' ? [line, 500] : line;
        const bottom = 700 - 12 * at;
        return { text, left: 50, right, bottom, top: bottom + 10, endBottom: bottom };
      }),
    });
    const texts = (pages: PdfPage[]) => pdfBlocks(pages).map(({ text }) => text);

    it('joins words that were broken at line ends, and keeps hyphens the document writes elsewhere', () => {
      expect(
        texts([
          page(1, [
            'An effi\ufffecient and cutting\ufffeedge sys-',
            'tem of the cutting-edge kind that goes',
            'on here',
          ]),
        ]),
      ).to.deep.equal(['An efficient and cutting-edge system of the cutting-edge kind that goes on here']);
    });

    it('keeps lines that begin anew although there was room, and rows of figures', () => {
      expect(
        texts([
          page(1, [['Harbour Street', 120], ['Old Town', 100], 'and then a long line of running text to the edge']),
        ]),
      ).to.deep.equal(['Harbour Street\nOld Town\nand then a long line of running text to the edge']);
      expect(texts([page(1, ['Curlew 40 12 7', 'Snipe 12 3 1'])])).to.deep.equal(['Curlew 40 12 7\nSnipe 12 3 1']);
    });

    it('keeps what stands at the foot of every page once', () => {
      const pages = Array.from({ length: 6 }, (_, at) =>
        page(at + 1, [
          `Body ${'abcdef'[at]} one.`,
          `Body ${'abcdef'[at]} two.`,
          `Body ${'abcdef'[at]} three.`,
          `Page ${at + 1} of 6`,
        ]),
      );
      expect(
        texts(pages)
          .join('\n')
          .match(/Page \d of 6/g),
      ).to.deep.equal(['Page 1 of 6']);
    });
  });
});
