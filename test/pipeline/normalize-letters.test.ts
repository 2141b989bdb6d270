import { expect } from 'chai';
import type { TestPipeline } from './prepare-bytes.ts';
import { openTestPipeline } from './prepare-bytes.ts';

describe('Rich text and mail', function () {
  this.timeout(60_000);
  let pipeline: TestPipeline;
  before(async () => {
    pipeline = await openTestPipeline();
  });
  after(async () => {
    await pipeline.close();
  });

  describe('Rich Text Format', () => {
    const rtf = async (body: string, head = '\\ansi\\ansicpg1252') =>
      (await pipeline.read('a.rtf', Buffer.from(`{\\rtf1${head}${body}}`, 'latin1'))).text;

    it('keeps headings by style and outline level, lists and tables', async () => {
      const styles = '{\\stylesheet{\\s0 Normal;}{\\s1\\b heading 1;}{\\s2\\outlinelevel1 Own;}{\\*\\cs3 Strong;}}';
      const list = '{\\listtext\\pard\\bullet\\tab}\\pard\\ls1 Hull\\par {\\pntext 2.\\tab}Screw\\par ';
      const row = (...cells: string[]) =>
        `\\trowd\\cellx1\\cellx2 ${cells.map((text) => `\\pard\\intbl ${text}\\cell `).join('')}\\row `;
      const document = await pipeline.read(
        'a.rtf',
        `{\\rtf1\\ansi{\\info{\\author Ana}{\\title Plan}}${styles}\\pard\\s1 Dry dock\\par\\pard In May.\\par ${list}` +
          `\\pard\\s2 Costs\\par ${row('Part', 'Price')}${row('Paint', '900')}\\pard\\outlinelevel2 Sum\\par\\pard All.\\par}`,
      );
      expect(document).to.include({ format: 'rtf', title: 'Plan' });
      expect(document.text).to.equal(
        'Dry dock\n\nIn May.\n\n- Hull\n- Screw\n\nCosts\n\nPart | Price\nPaint | 900\n\nSum\n\nAll.',
      );
      expect(document.chunks.at(-1)!.headingPath).to.deep.equal(['Dry dock', 'Costs', 'Sum']);
    });

    it('reads bytes in the code page of their font, and Unicode without its stand-ins', async () => {
      const fonts =
        '{\\fonttbl{\\f0\\fcharset0 Arial;}{\\f1\\fcharset204 Arial Cyr;}{\\f2\\fcharset128 Mincho{\\*\\falt x};}}\\deff0';
      const body =
        "\\f0 caf\\'e9 \\'80 \\f1\\'cf\\'f0\\'e8 \\f2\\'83\\'5d\\'83A \\uc2\\u9992 ??\\uc1\\u-10179 ?\\u-8699\\'3f ok";
      expect(await rtf(fonts + body)).to.equal('café € При ゾア ✈😅 ok');
    });

    it('leaves out pictures, codes of fields, hidden and deleted text, and unknown groups', async () => {
      const body =
        'One {\\pict\\wmetafile8 0102ff}{\\*\\unknown words}{\\field{\\*\\fldinst HYPERLINK "x"}{\\fldrslt link}} {\\v secret}{\\deleted gone}{\\revised new}\\bin5 {}}\\\\ two\\par ';
      expect(await rtf(body)).to.equal('One link new two');
    });

    it('puts notes after their paragraph, comments, headers and footers at the end', async () => {
      const body =
        '{\\header Harbour News\\par}Body{\\super\\chftn{\\footnote \\chftn  A note.}}{\\*\\atnid AB}{\\*\\annotation Why?} goes on.' +
        '{\\shp{\\*\\shpinst{\\sp{\\sn name}{\\sv value}}{\\shptxt Boxed\\par}}{\\shprslt Boxed}}\\par Last.';
      expect(await rtf(body)).to.equal('Body goes on.\n\nA note.\n\nBoxed\n\nLast.\n\nComment: Why?\n\nHarbour News');
    });

    it('is read as far as it goes when it is cut off or ends too often', async () => {
      expect(await rtf('{\\b Bold {\\footnote note')).to.equal('Bold\n\nnote');
      expect(await rtf('a}}}}b')).to.equal('ab');
      expect(await rtf('a\\bin999999999 b')).to.equal('a');
    });

    it('is refused when its groups nest without end, and takes no time for what is merely long', async () => {
      expect(await pipeline.refusal('a.rtf', `{\\rtf1 ${'{'.repeat(100_000)}`)).to.match(/^corrupt: .*nest/);
      const long = await rtf("\\'e9\\u233?{\\b x}\\par ".repeat(20_000));
      expect(long.length).to.equal(20_000 * 5 - 2);
    });
  });

  describe('Mail', () => {
    const mail = (headers: string[], body: string) =>
      pipeline.read('a.eml', Buffer.from([...headers, '', body].join('\r\n'), 'latin1'));
    const HEAD = [
      'From: =?utf-8?Q?J=C3=B6rg?= <jorg@example.com>',
      'To: a@example.com, "B, C" <b@example.com>',
      'Subject: Fares',
    ];

    it('begins with who wrote to whom about what, and has the subject for title', async () => {
      const document = await mail(
        [...HEAD, 'Date: Fri, 23 Dec 2022 12:08:48 -0600'],
        'Two crowns.\r\n\r\nThree on Sundays.',
      );
      expect(document).to.include({ format: 'eml', title: 'Fares' });
      expect(document.text).to.equal(
        'From: Jörg <jorg@example.com>\nTo: a@example.com, B, C <b@example.com>\nDate: 2022-12-23T18:08:48.000Z\nSubject: Fares\n\n' +
          'Two crowns.\n\nThree on Sundays.',
      );
    });

    it('reads HTML as mail programs show it, the plain version where there is none, and names attachments', async () => {
      const part = (type: string, content: string, extra = '') =>
        `--b\r\nContent-Type: ${type}\r\n${extra}\r\n${content}\r\n`;
      const html = part('text/html; charset=utf-8', '<h1>Big</h1><p>fares<script>no</script></p>');
      const plain = part('text/plain; charset=windows-1252', 'caf\xe9 \x80');
      const file = part('application/pdf', 'x', 'Content-Disposition: attachment; filename="fares.pdf"\r\n');
      const read = async (type: string, parts: string) =>
        (await mail([...HEAD, `Content-Type: multipart/${type}; boundary=b`], `${parts}--b--`)).text.split(
          'Subject: Fares\n\n',
        )[1];
      expect(await read('alternative', plain + html)).to.equal('Big\n\nfares');
      expect(await read('mixed', plain)).to.equal('café €');
      expect(await read('mixed', html + file)).to.equal('Big\n\nfares\n\nAttachments: fares.pdf');
    });

    it('reads a forwarded message with the one it came in', async () => {
      const inner = 'From: c@example.com\r\nSubject: Inner\r\n\r\nOld words';
      const body = `--b\r\n\r\nSee below\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n${inner}\r\n--b--`;
      const { text } = await mail([...HEAD, 'Content-Type: multipart/mixed; boundary=b'], body);
      expect(text).to.include('See below').and.include('Old words').and.include('Inner');
    });

    it('is called encrypted when it is', async () => {
      const refusal = (type: string) => pipeline.refusal('a.eml', `Subject: x\r\nContent-Type: ${type}\r\n\r\nabc`);
      expect(await refusal('application/pkcs7-mime; smime-type=enveloped-data')).to.match(/^encrypted: /);
      expect(await refusal('multipart/encrypted; boundary=b')).to.match(/^encrypted: /);
    });

    it('is refused when its parts or headers have no end', async () => {
      let nested = '';
      for (let at = 0; at < 500; at++) nested += `Content-Type: multipart/mixed; boundary=b${at}\r\n\r\n--b${at}\r\n`;
      expect(await pipeline.refusal('a.eml', nested)).to.match(/^corrupt: .*nest/);
      expect(await pipeline.refusal('a.eml', `Subject: a\n\n${'\n--b\n'.repeat(60_000)}`)).to.match(/^too_large: /);
      expect(await pipeline.refusal('a.eml', 'X-Long: aaaaaaaaaaaaaaaaaaaaaaaa\n'.repeat(60_000))).to.match(
        /^corrupt: .*headers/,
      );
    });
  });
});
