/**
 * Where to cut `text` between `from` and `limit`: before the last white space in the second half, else before a code point.
 * Gives an index over `from` and at most `limit`.
 */
export function cutBefore(text: string, from: number, limit: number): number {
  if (limit >= text.length) return text.length;
  for (let at = limit; at > from + (limit - from) / 2; at--) if (isSpace(text.charCodeAt(at))) return at;
  return isLowSurrogate(text.charCodeAt(limit)) && limit - 1 > from ? limit - 1 : limit;
}

const isSpace = (code: number): boolean => code === 32 || (code >= 9 && code <= 13) || code === 0x3000;
const isLowSurrogate = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;
