/** A parsed `fields` parameter: each name with what is wanted below it; `undefined` is everything. */
export type Mask = Map<string, Mask | undefined>;

/** A mask that Google would refuse; the message is the part that is not understood. */
export class FieldsError extends Error {}

/**
 * Reads a field mask such as `nextPageToken,files(id,owners/me)` or `*`.
 * Source: https://developers.google.com/workspace/drive/api/guides/fields-parameter (2026). Errors: FieldsError.
 */
export function parseFields(fields: string): Mask {
  const tokens = fields.match(/[A-Za-z0-9_-]+|[*/(),]|\S/g) ?? [];
  let at = 0;
  const expect = (token: string): void => {
    if (tokens[at] !== token) throw new FieldsError(fields);
    at += 1;
  };
  const selection = (): Mask => {
    const mask: Mask = new Map();
    for (;;) {
      const name = tokens[at];
      if (!name || !/^(\*|[A-Za-z0-9_-]+)$/.test(name)) throw new FieldsError(fields);
      at += 1;
      let below: Mask | undefined;
      if (tokens[at] === '/') {
        at += 1;
        below = selectionOfOne();
      } else if (tokens[at] === '(') {
        at += 1;
        below = selection();
        expect(')');
      }
      add(mask, name, below);
      if (tokens[at] !== ',') return mask;
      at += 1;
    }
  };
  /** What follows a slash: one name, with its own slash or brackets. */
  const selectionOfOne = (): Mask => {
    const name = tokens[at];
    if (!name || !/^(\*|[A-Za-z0-9_-]+)$/.test(name)) throw new FieldsError(fields);
    at += 1;
    if (tokens[at] === '/') {
      at += 1;
      return new Map([[name, selectionOfOne()]]);
    }
    if (tokens[at] !== '(') return new Map([[name, undefined]]);
    at += 1;
    const below = selection();
    expect(')');
    return new Map([[name, below]]);
  };
  const mask = selection();
  if (at < tokens.length) throw new FieldsError(fields);
  return mask;
}

function add(mask: Mask, name: string, below: Mask | undefined): void {
  const present = mask.get(name);
  if (!mask.has(name) || !below) mask.set(name, below);
  else if (present) for (const [inner, value] of below) add(present, inner, value);
}

/** The masked copy of a value; arrays are masked entry by entry. */
export function applyMask(value: unknown, mask: Mask | undefined): unknown {
  if (!mask || mask.has('*')) return value;
  if (Array.isArray(value)) return value.map((entry) => applyMask(entry, mask));
  if (typeof value !== 'object' || value === null) return value;
  const source = value as Record<string, unknown>;
  return Object.fromEntries(
    [...mask].flatMap(([name, below]) => (source[name] === undefined ? [] : [[name, applyMask(source[name], below)]])),
  );
}

/** Whether a field at the top of the mask is asked for. */
export function asksFor(mask: Mask | undefined, name: string): boolean {
  return !mask || mask.has('*') || mask.has(name);
}

/** Errors: FieldsError naming the first field that is not one of `known`. */
export function checkNames(mask: Mask | undefined, known: Set<string>): void {
  for (const name of mask?.keys() ?? []) if (name !== '*' && !known.has(name)) throw new FieldsError(name);
}
