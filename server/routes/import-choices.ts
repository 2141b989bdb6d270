import type { ProviderDefinition } from '../../providers/provider.ts';
import type { ImportScope } from '../services/import-service.ts';
import type { ImportChoices } from '../session.ts';

/** A box of the import's form. */
export type ImportChoice = { name: keyof ImportChoices; label: string; hint: string; checked: boolean };

const LIST = new Intl.ListFormat('en-GB');

/** The boxes that mean something for at least one of these services, with the names of those. */
export function importChoices(services: ProviderDefinition[], chosen: Partial<ImportChoices> = {}): ImportChoice[] {
  const labelsOf = (choice: 'children' | 'attachments') =>
    LIST.format(services.filter((service) => service.importChoices?.includes(choice)).map(({ label }) => label));
  const [children, attachments] = [labelsOf('children'), labelsOf('attachments')];
  const choices: ImportChoice[] = [];
  if (children !== '')
    choices.push({
      name: 'includeChildren',
      label: 'Include sub-pages',
      hint: `${children}: a selected page brings all pages below it.`,
      checked: chosen.includeChildren ?? false,
    });
  if (attachments !== '')
    choices.push({
      name: 'includeAttachments',
      label: 'Include attachments and comments',
      hint: `${attachments}: what hangs on the imported items is imported too.`,
      checked: chosen.includeAttachments ?? false,
    });
  return choices;
}

/** What an import was told beside its selection: "Sub-pages, attachments and comments are included." Empty when nothing. */
export function scopeText({ recursive, includeChildren, includeAttachments }: ImportScope): string {
  const included = [
    ...(includeChildren ? ['sub-pages'] : []),
    ...(includeAttachments ? ['attachments', 'comments'] : []),
  ];
  const list = LIST.format(included);
  return [
    ...(recursive ? [] : ['Folders bring only the files right inside.']),
    ...(list === '' ? [] : [`${list.charAt(0).toUpperCase()}${list.slice(1)} are included.`]),
  ].join(' ');
}
