/** What stands in a file, piece by piece. */
export type RtfEvents = {
  open(): void;
  close(): void;
  /** `\name123`; symbols such as `\~` and `\*` have themselves as name. */
  word(name: string, value: number | undefined): void;
  /** A byte written as `\'hh`. */
  byte(byte: number): void;
  /** Bytes that stand for themselves, without line ends. */
  text(bytes: Buffer): void;
};

const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;

/** Bytes that must be there to tell what a control word or a byte in digits is; a longer name is none. */
const LOOK_AHEAD = 256;

/**
 * Walks a file in Rich Text Format that comes in pieces, in time linear in its size; `\bin` data is passed over. A run of text may be told in
 * parts. Source: Rich Text Format 1.9.1, conventions
 */
export function walkRtf(pieces: Iterable<Buffer>, events: RtfEvents): void {
  let rest: Buffer = Buffer.alloc(0);
  let binary = 0;
  for (const piece of pieces) {
    const passed = Math.min(binary, piece.length);
    binary -= passed;
    const bytes = rest.length > 0 ? Buffer.concat([rest, piece]) : piece.subarray(passed);
    const walked = walk(bytes, bytes.length - LOOK_AHEAD, events);
    rest = Buffer.from(bytes.subarray(walked));
    binary += Math.max(0, walked - bytes.length);
  }
  walk(rest, rest.length, events);
}

/** Walks what begins before `end`. Gives how far it came: behind the bytes where `\bin` data goes on. */
function walk(bytes: Buffer, end: number, events: RtfEvents): number {
  const isLetter = (at: number): boolean => {
    const byte = bytes[at] ?? 0;
    return (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90);
  };
  const isDigit = (at: number): boolean => {
    const byte = bytes[at] ?? 0;
    return byte >= 48 && byte <= 57;
  };
  let at = 0;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte === OPEN || byte === CLOSE) {
      at++;
      if (byte === OPEN) events.open();
      else events.close();
    } else if (byte !== BACKSLASH) {
      const from = at;
      while (at < bytes.length && !isSpecial(bytes[at]!)) at++;
      if (at > from) events.text(bytes.subarray(from, at));
      else at++;
    } else if (isLetter(++at)) {
      const from = at;
      while (isLetter(at)) at++;
      const name = bytes.toString('latin1', from, Math.min(at, from + 32));
      const digits = at;
      if (bytes[at] === 45 && isDigit(at + 1)) at++;
      while (isDigit(at)) at++;
      const value = at > digits ? Number(bytes.toString('latin1', digits, Math.min(at, digits + 12))) : undefined;
      if (bytes[at] === 32) at++;
      if (name === 'bin') at += Math.max(0, value ?? 0);
      events.word(name, value);
    } else if (bytes[at] === 39) {
      const value = Number.parseInt(bytes.toString('latin1', at + 1, at + 3), 16);
      // Where no two digits follow, only what is there is passed over.
      if (Number.isNaN(value)) at++;
      else {
        at += 3;
        events.byte(value);
      }
    } else if (at < bytes.length) events.word(String.fromCharCode(bytes[at++]!), undefined);
  }
  return at;
}

/** Bytes that end a run of text. Line ends say nothing in this format, nor do zeros. */
const isSpecial = (byte: number): boolean =>
  byte === BACKSLASH || byte === OPEN || byte === CLOSE || byte === 10 || byte === 13 || byte === 0;
