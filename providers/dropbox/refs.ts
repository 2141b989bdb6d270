import { ProviderError } from '../errors.ts';
import { staleCursor } from './failures.ts';

/**
 * What an item ref says: the account's own Dropbox, its team's space, or something in either. `space` is the namespace id of the
 * team space and absent in the account's own Dropbox. Items go by id, which stays when they are moved or renamed.
 */
export type Ref =
  { kind: 'home'; space?: undefined } | { kind: 'team'; space: string } | { kind: 'item'; space?: string; id: string };

const SPACE = /^[\w-]{1,100}$/;

/** The same item always gets the same ref, however it was found. */
export function formatRef(ref: Ref): string {
  if (ref.kind === 'home') return 'home';
  if (ref.kind === 'team') return `team:${ref.space}`;
  return `item:${ref.space ?? 'home'}:${encodeURIComponent(ref.id.replace(/^id:/, ''))}`;
}

/** Errors: ProviderError `gone` for anything this provider has not made. */
export function parseRef(text: string): Ref {
  const [kind, space = '', id = '', ...rest] = text.split(':');
  if (text === 'home') return { kind: 'home' };
  if (kind === 'team' && SPACE.test(space) && text.split(':').length === 2) return { kind, space };
  if (kind === 'item' && SPACE.test(space) && /^[\w.~%!*()'-]{1,300}$/.test(id) && rest.length === 0) {
    try {
      return { kind, id: `id:${decodeURIComponent(id)}`, space: space === 'home' ? undefined : space };
    } catch {
      // Not an escape that encodeURIComponent makes.
    }
  }
  throw new ProviderError('gone', 'dropbox', 'There is no such item in Dropbox.');
}

/** Where a listing or search goes on. Dropbox's cursor is bound to the root it was made with, so both stay together. */
export type Place = {
  /** What was listed: a ref, or `search`. */
  of: string;
  /** Namespace id of the team space it was listed in. */
  space?: string;
  cursor: string;
  /** In the team space, where the account's own Dropbox lies: its id for listings, its lower-case path for searches. */
  home?: string;
  /** Short digests of what the page before gave: Dropbox repeats search results across pages. */
  seen?: string[];
};

export function formatCursor(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** Errors: ProviderError `cursor_expired` for anything but a place in this very list. */
export function parseCursor(text: string, of: string): Place {
  let place: unknown;
  try {
    place = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    throw staleCursor();
  }
  if (!isPlace(place) || place.of !== of) throw staleCursor();
  return place;
}

function isPlace(value: unknown): value is Place {
  if (typeof value !== 'object' || value === null) return false;
  const { of, space, cursor, home, seen } = value as Record<string, unknown>;
  const isText = (part: unknown): boolean => part === undefined || typeof part === 'string';
  return (
    typeof of === 'string' &&
    typeof cursor === 'string' &&
    cursor !== '' &&
    (space === undefined || (typeof space === 'string' && SPACE.test(space))) &&
    isText(home) &&
    (seen === undefined || (Array.isArray(seen) && seen.every(isText)))
  );
}
