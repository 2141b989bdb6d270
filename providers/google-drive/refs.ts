import { ProviderError } from '../errors.ts';

/**
 * What an item ref says. `driveId` is that of the shared drive the item lies in, `key` the resource key that some older
 * link-shared items need. A shortcut carries its target, so that a shortcut to a folder can be opened like the folder.
 */
export type Ref =
  | { kind: 'shared-with-me' }
  | { kind: 'drive'; id: string }
  | { kind: 'item'; id: string; driveId?: string; key?: string }
  | { kind: 'shortcut'; id: string; targetId: string; key?: string; targetKey?: string };

/** Ids and resource keys are letters, digits, `-` and `_`; the separator is none of these. */
const PART = /^[\w-]{1,200}$/;

/** The same item always gets the same ref, however it was found. */
export function formatRef(ref: Ref): string {
  const parts =
    ref.kind === 'shared-with-me'
      ? []
      : ref.kind === 'drive'
        ? [ref.id]
        : ref.kind === 'item'
          ? [ref.id, ref.driveId ?? '', ref.key ?? '']
          : [ref.id, ref.targetId, ref.key ?? '', ref.targetKey ?? ''];
  return [ref.kind, ...parts].join(':').replace(/:+$/, '');
}

/** Errors: ProviderError `gone` for anything this provider has not made. */
export function parseRef(text: string): Ref {
  const [kind, ...parts] = text.split(':');
  const sane = parts.every((part) => part === '' || PART.test(part));
  const [first, second, third, fourth] = parts.map((part) => part || undefined);
  if (sane) {
    if (kind === 'shared-with-me' && parts.length === 0) return { kind };
    if (kind === 'drive' && parts.length === 1 && first) return { kind, id: first };
    if (kind === 'item' && parts.length <= 3 && first) return { kind, id: first, driveId: second, key: third };
    if (kind === 'shortcut' && parts.length <= 4 && first && second)
      return { kind, id: first, targetId: second, key: third, targetKey: fourth };
  }
  throw new ProviderError('gone', 'google_drive', 'There is no such item in Google Drive.');
}
