/**
 * A page's end as an opaque text: the values of the sort key of its last row. Shape: base64url of a JSON array of strings.
 * A cursor that was tampered with reads as undefined: the list then starts from the beginning.
 */
export const writeCursor = (...values: string[]): string => Buffer.from(JSON.stringify(values)).toString('base64url');

export function readCursor(cursor: string | undefined, length: number): string[] | undefined {
  if (!cursor) return undefined;
  try {
    const values = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
    return Array.isArray(values) && values.length === length && values.every((value) => typeof value === 'string')
      ? values
      : undefined;
  } catch {
    return undefined;
  }
}

/** A cursor on (time, uuid); undefined when it is not one. */
export function readTimeCursor(cursor: string | undefined): { at: string; id: string } | undefined {
  const [at, id] = readCursor(cursor, 2) ?? [];
  if (at === undefined || id === undefined) return undefined;
  return Number.isNaN(Date.parse(at)) || !/^[0-9a-f-]{36}$/i.test(id) ? undefined : { at, id };
}
