import { open } from 'node:fs/promises';
import { unsupported } from '../detect.ts';
import { ContentError } from '../normalized.ts';

const utf16 = (name: string): Buffer => Buffer.from(name, 'utf16le');

/** Names of streams by which a compound file tells what wrote it. Source: [MS-CFB], [MS-OFFCRYPTO] 2.3.4 */
const STREAMS: [name: Buffer, what: string][] = [
  [utf16('WordDocument'), 'a Word document of the old format (.doc)'],
  [utf16('PowerPoint Document'), 'a PowerPoint presentation of the old format (.ppt)'],
  [utf16('Workbook'), 'an Excel spreadsheet of the old format (.xls)'],
  [utf16('Book\0'), 'an Excel spreadsheet of the old format (.xls)'],
  [utf16('__substg1.0_'), 'an Outlook message (.msg)'],
  [utf16('VisioDocument'), 'a Visio drawing of the old format (.vsd)'],
];
const ENCRYPTED = utf16('EncryptedPackage');
const WINDOW = 1_048_576;

/** Says what an OLE compound file is. Errors: always a ContentError, `encrypted` or `unsupported`. */
export async function refuseOle(path: string): Promise<never> {
  const found = new Set<string>();
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(WINDOW + 64);
    for (let at = 0; ; at += WINDOW) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) break;
      const part = buffer.subarray(0, bytesRead);
      if (part.includes(ENCRYPTED))
        throw new ContentError(
          'encrypted',
          'The file is protected by a password; save it without one and import it again.',
        );
      for (const [name, what] of STREAMS) if (part.includes(name)) found.add(what);
    }
  } finally {
    await file.close();
  }
  const what = STREAMS.find(([, each]) => found.has(each))?.[1];
  throw unsupported(what ?? 'an Office file of an old format');
}
