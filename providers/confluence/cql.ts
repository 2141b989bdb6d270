/** Text as a value of CQL: always in quotation marks, which no sign in it can end. */
export const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

export const withIds = (ids: string[]): string => `id in (${ids.join(',')})`;

/** What is attached to, or said of, any of these pages and posts. */
export const hangingOn = (ids: string[]): string => `type in (attachment, comment) and container in (${ids.join(',')})`;
export const hangingIn = (spaceKey: string): string => `type in (attachment, comment) and space = ${quoted(spaceKey)}`;
export const commentsOn = (id: string): string => `type = comment and container = ${id} order by created asc`;
/** What stands in the tree of a space and has no content of its own. */
export const withoutContent = (spaceKey: string): string =>
  `type in (whiteboard, database, embed) and space = ${quoted(spaceKey)}`;
/** The same and folders: what lists of pages leave out. */
export const besidePages = (spaceKey: string): string =>
  `type in (folder, whiteboard, database, embed) and space = ${quoted(spaceKey)}`;

/**
 * What can be imported and was changed in the last minutes, which are the same in every time zone, as dates are not. The newest first: what is
 * changed while the answers are read pushes the others back, and none is missed.
 */
export const changedWithin = (minutes: number): string =>
  `type in (page, blogpost, attachment, comment) and lastmodified >= now("-${minutes}m") order by lastmodified desc`;

/** What can be imported and says all the words, in its title or its text; undefined where there are none. */
export function saying(query: string): string | undefined {
  const words = query.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  if (words.length === 0) return undefined;
  // The beginning of a word finds it too.
  const wanted = quoted(words.map((word) => `${word}*`).join(' '));
  return `type in (page, blogpost, attachment) and (title ~ ${wanted} or text ~ ${wanted})`;
}
