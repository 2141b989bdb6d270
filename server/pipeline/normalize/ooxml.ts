import path from 'node:path';
import { unsupported } from '../detect.ts';
import { ContentError } from '../normalized.ts';
import type { OdfKind } from './odf-kind.ts';
import { isEncryptedOdf, odfKindOf } from './odf-kind.ts';
import { walkXml } from './xml.ts';
import type { Zip } from './zip.ts';

export type Relation = { id: string; type: string; target: string };

/**
 * What Office format a zip package is, by the parts it has. Errors: ContentError `unsupported` (named), `encrypted` (OpenDocument),
 * `corrupt`.
 */
export async function officeKind(zip: Zip): Promise<'docx' | 'xlsx' | 'pptx' | OdfKind> {
  const main = (await relationsOf(zip, '')).find(({ type }) => type.endsWith('/officeDocument'))?.target;
  for (const [kind, folder, part] of [
    ['docx', 'word', 'document.xml'],
    ['xlsx', 'xl', 'workbook.xml'],
    ['pptx', 'ppt', 'presentation.xml'],
  ] as const)
    if (main?.startsWith(`${folder}/`) ? main.endsWith('.xml') : zip.has(`${folder}/${part}`)) return kind;
  if (main?.endsWith('.bin')) throw unsupported('an Excel spreadsheet of the binary format (.xlsb)');
  if (zip.has('mimetype')) return kindByMimetype(zip);
  if (zip.has('visio/document.xml')) throw unsupported('a Visio drawing');
  if (zip.names.some((name) => /^Index\/.*\.iwa$|^Index\.zip$/.test(name)))
    throw unsupported('a document of Pages, Numbers or Keynote');
  if (zip.has('[Content_Types].xml'))
    throw new ContentError(
      'corrupt',
      'The file is damaged: its main part is missing; save it again in its program and import it once more.',
    );
  throw unsupported('a zip archive');
}

/** What a package says of itself in its part `mimetype`. Errors: ContentError `unsupported` (named), `encrypted` (OpenDocument). */
async function kindByMimetype(zip: Zip): Promise<OdfKind> {
  let type = '';
  for await (const part of zip.stream('mimetype')) type += part.toString('latin1').slice(0, 200);
  if (type.startsWith('application/epub')) throw unsupported('an e-book (.epub)');
  if (await isEncryptedOdf(zip))
    throw new ContentError(
      'encrypted',
      'The document is protected by a password; save it without one and import it again.',
    );
  const kind = odfKindOf(type);
  if (!kind) throw unsupported('a document of another program in a zip archive');
  return kind;
}

/** The relations of a part (of the package itself for ''), their targets as names of entries; external ones are left out. */
export async function relationsOf(zip: Zip, part: string): Promise<Relation[]> {
  const folder = path.posix.dirname(part);
  const name = path.posix.join(folder, '_rels', `${path.posix.basename(part)}.rels`);
  const relations: Relation[] = [];
  if (!zip.has(name)) return relations;
  await walkXml(zip, name, {
    open(tag) {
      if (tag.name !== 'Relationship' || tag.attribute('TargetMode') === 'External') return;
      const target = tag.attribute('Target') ?? '';
      relations.push({
        id: tag.attribute('Id') ?? '',
        type: tag.attribute('Type') ?? '',
        target: target.startsWith('/') ? target.slice(1) : path.posix.join(folder, target),
      });
    },
  });
  return relations;
}

/** The title in the document's properties, where it has one. */
export async function coreTitle(zip: Zip): Promise<string | undefined> {
  const part = (await relationsOf(zip, '')).find(({ type }) => type.endsWith('/core-properties'))?.target;
  return part && zip.has(part) ? titleIn(zip, part) : undefined;
}

/** The title in a part with properties (Dublin Core's), where it has one. */
export async function titleIn(zip: Zip, part: string): Promise<string | undefined> {
  let title = '';
  let inTitle = false;
  await walkXml(zip, part, {
    open: (tag) => void (inTitle = tag.name === 'title'),
    close: () => void (inTitle = false),
    text(text) {
      if (inTitle) title += text;
    },
  });
  return title.trim() === '' ? undefined : title.trim();
}
