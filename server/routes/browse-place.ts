/** Which page of the browser is asked for: its query string. */
export type Place = { integration?: string; ref?: string; q?: string; cursor?: string; sort?: string };

export const placeOf = (search: URLSearchParams): Place => ({
  integration: search.get('integration') ?? undefined,
  ref: search.get('ref') ?? undefined,
  q: search.get('q')?.trim() || undefined,
  cursor: search.get('cursor') ?? undefined,
  sort: search.get('sort') ?? undefined,
});

/** That of an address of this hub. */
export const placeAt = (address: string): Place => placeOf(new URL(address, 'http://hub.invalid').searchParams);
