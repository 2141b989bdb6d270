import { walkXml } from './xml.ts';
import type { Zip } from './zip.ts';

export type OdfKind = 'odt' | 'ods' | 'odp';

const KINDS: Record<string, OdfKind> = { text: 'odt', spreadsheet: 'ods', presentation: 'odp' };

/** The kind of document of a media type, templates included; undefined for drawings, formulas and what is not OpenDocument. */
export const odfKindOf = (mediaType: string): OdfKind | undefined =>
  KINDS[/^application\/vnd\.oasis\.opendocument\.(text|spreadsheet|presentation)/.exec(mediaType.trim())?.[1] ?? ''];

/** Whether a part of the package is encrypted, by its manifest. Source: OpenDocument 1.3 part 2, chapter 3 */
export async function isEncryptedOdf(zip: Zip): Promise<boolean> {
  let isEncrypted = false;
  if (zip.has('META-INF/manifest.xml'))
    await walkXml(zip, 'META-INF/manifest.xml', {
      open({ name }) {
        if (name === 'encryption-data') isEncrypted = true;
      },
    });
  return isEncrypted;
}
