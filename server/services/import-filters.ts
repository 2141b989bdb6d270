import type { Item, Platform } from '../../providers/provider.ts';
import { formatBytes, formatDate, formatDay } from '../format.ts';
import { FILE_GROUPS, GROUP_TABLE, groupOf, type FileGroup } from './file-groups.ts';

/**
 * What an import leaves out of the folders it lists. Absent members let everything through, and so does what the vendor does not tell: a file of
 * unknown size passes both sizes. What was selected by itself is never filtered.
 */
export type ImportFilters = {
  /** Only these kinds. */
  types?: FileGroup[];
  /** Both inclusive. */
  minBytes?: number;
  maxBytes?: number;
  /** Names with `*` and `?`, separated by commas, in any case; `!` before one leaves out what it names. */
  namePattern?: string;
  /** A day (`2026-03-01`, its beginning in UTC) or an instant (ISO 8601), inclusive. */
  modifiedAfter?: string;
};

/** Characters of a name pattern, so that comparing names stays cheap. */
export const MAX_NAME_PATTERN = 200;

const OR = new Intl.ListFormat('en-GB', { type: 'disjunction' });

/** The filters without what filters nothing; undefined where nothing is left. */
export function cleanFilters(filters: ImportFilters | undefined): ImportFilters | undefined {
  if (!filters) return undefined;
  const { minBytes, maxBytes, modifiedAfter } = filters;
  const types = FILE_GROUPS.filter((group) => filters.types?.includes(group));
  const namePattern = splitPattern(filters.namePattern ?? '').join(', ');
  const cleaned: ImportFilters = {
    ...(types.length > 0 && types.length < FILE_GROUPS.length ? { types } : {}),
    ...(minBytes ? { minBytes } : {}),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(namePattern === '' ? {} : { namePattern }),
    ...(modifiedAfter === undefined ? {} : { modifiedAfter }),
  };
  return Object.keys(cleaned).length > 0 ? cleaned : undefined;
}

const splitPattern = (pattern: string): string[] =>
  pattern
    .split(',')
    .map((part) => part.trim().replace(/^!\s+/, '!'))
    .filter((part) => part !== '' && part !== '!');

/** Whether a name pattern asks for anything that can be compared: `!` alone does not. */
export const isNamePattern = (pattern: string): boolean =>
  pattern.split(',').every((part) => part.trim() !== '!') && splitPattern(pattern).length > 0;

/** What is compared with a name: in one case, and with accents written in one way. */
const fold = (text: string): string[] => Array.from(text.normalize('NFC').toLowerCase());

/** Whether a name is as a pattern with `*` (any characters) and `?` (one) says, from its beginning to its end. */
export const matchesName = (pattern: string, name: string): boolean => matches(fold(pattern), fold(name));

/** After a failure only the last `*` takes one more character, so that no pattern takes long. */
function matches(pattern: string[], name: string[]): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let taken = 0;
  while (from < name.length) {
    if (pattern[at] === '*') {
      star = at++;
      taken = from;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[from])) {
      at++;
      from++;
    } else if (star >= 0) {
      at = star + 1;
      from = ++taken;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}

/** Why a listed file is left out: a sentence; undefined where it is not. */
export type LeftOut = (item: Item) => string | undefined;

/** Reads the filters once for many items of one service. */
export function filterFor(filters: ImportFilters | undefined, platform: Platform): LeftOut {
  if (!filters) return () => undefined;
  const { types, minBytes = 0, maxBytes = Infinity, modifiedAfter } = filters;
  const byName = nameFilter(filters.namePattern ?? '');
  const since = modifiedAfter === undefined ? undefined : new Date(modifiedAfter);
  const because = ({ name, mediaType, sizeBytes, modifiedAt }: Item): string | undefined => {
    if (types && !types.includes(groupOf({ name, mediaType, sizeBytes }, platform)))
      return `not of the type ${labelsOf(types)}`;
    if (sizeBytes !== undefined && sizeBytes < minBytes) return `smaller than ${formatBytes(minBytes)}`;
    if (sizeBytes !== undefined && sizeBytes > maxBytes) return `larger than ${formatBytes(maxBytes)}`;
    if (since && modifiedAt && modifiedAt < since) return `last changed before ${formatSince(modifiedAfter ?? '')}`;
    return byName(name);
  };
  return (item) => {
    const reason = item.kind === 'file' ? because(item) : undefined;
    return reason && `Left out by the filter: ${reason}.`;
  };
}

function nameFilter(namePattern: string): (name: string) => string | undefined {
  const all = splitPattern(namePattern);
  const unwanted = all.filter((part) => part.startsWith('!')).map((part) => ({ part, folded: fold(part.slice(1)) }));
  const wanted = all.filter((part) => !part.startsWith('!'));
  const folded = wanted.map(fold);
  return (name) => {
    const characters = fold(name);
    const named = unwanted.find((pattern) => matches(pattern.folded, characters));
    if (named) return `its name matches ${named.part}`;
    if (wanted.length === 0 || folded.some((pattern) => matches(pattern, characters))) return undefined;
    return `its name does not match ${OR.format(wanted)}`;
  };
}

const labelsOf = (types: FileGroup[]): string => OR.format(types.map((type) => GROUP_TABLE[type].label));

const formatSince = (modifiedAfter: string): string =>
  modifiedAfter.includes('T') ? formatDate(new Date(modifiedAfter)).text : formatDay(new Date(modifiedAfter));

/** The filters in words: "Filters: type PDF or Word; at most 10 MB." Empty where there are none. */
export function describeFilters(filters: ImportFilters | undefined): string {
  if (!filters) return '';
  const { types, minBytes, maxBytes, namePattern, modifiedAfter } = filters;
  const parts = [
    types && `type ${labelsOf(types)}`,
    minBytes && `at least ${formatBytes(minBytes)}`,
    maxBytes !== undefined && `at most ${formatBytes(maxBytes)}`,
    namePattern && `name ${namePattern}`,
    modifiedAfter && `changed on ${formatSince(modifiedAfter)} or later`,
  ].filter((part) => typeof part === 'string');
  return parts.length > 0 ? `Filters: ${parts.join('; ')}.` : '';
}
