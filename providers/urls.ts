/**
 * The address that a text names, undefined where it names none. Not by `URL.canParse`: in Node 20 that now and then calls an address sound
 * which has letters beyond ASCII in it, and `new URL` then throws.
 */
export function parseUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** A link that a page may have: an address of http or https. Undefined for any other, such as a script. */
export const webAddress = (text: string | null | undefined): string | undefined =>
  /^https?:$/.test(parseUrl(text ?? '')?.protocol ?? '') ? (text ?? undefined) : undefined;
