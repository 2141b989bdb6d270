import type { ProviderDefinition } from '../../providers/provider.ts';
import type { TypedFilters } from '../forms/filters-form.ts';
import { FILE_GROUPS, GROUP_TABLE, type FileGroup } from '../services/file-groups.ts';
import { describeFilters } from '../services/import-filters.ts';
import type { ImportScope } from '../services/import-service.ts';
import type { ImportChoices } from '../session.ts';

/** A box of the import's form. */
export type ImportChoice = {
  name: 'includeChildren' | 'includeAttachments';
  label: string;
  hint: string;
  checked: boolean;
};

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

/** The form's filters. */
export type FilterPanel = {
  types: { id: FileGroup; label: string; checked: boolean }[];
  /** "2 set"; empty when none is. */
  set: string;
};

/** The filters as they were ticked and typed. */
export function filterPanel(typed: ImportChoices['filters']): FilterPanel {
  const { types = [], ...texts }: Partial<TypedFilters> = typed ?? {};
  const set = [types.length > 0, ...Object.values(texts).map((text) => text.trim() !== '')].filter(Boolean).length;
  return {
    types: FILE_GROUPS.map((id) => ({ id, label: GROUP_TABLE[id].label, checked: types.includes(id) })),
    set: set === 0 ? '' : `${set} set`,
  };
}

/** What an import was told beside its selection: "Sub-pages are included. Filters: at most 10 MB." Empty when nothing. */
export function scopeText({ recursive, includeChildren, includeAttachments, filters }: ImportScope): string {
  const included = [
    ...(includeChildren ? ['sub-pages'] : []),
    ...(includeAttachments ? ['attachments', 'comments'] : []),
  ];
  const list = LIST.format(included);
  return [
    ...(recursive ? [] : ['Folders bring only the files right inside.']),
    ...(list === '' ? [] : [`${list.charAt(0).toUpperCase()}${list.slice(1)} are included.`]),
    ...(filters ? [describeFilters(filters)] : []),
  ].join(' ');
}
