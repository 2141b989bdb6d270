const WIDTH_BITS = 160;
const SHIFT_BITS = 11;
const BYTES = WIDTH_BITS / 8;

/**
 * Running QuickXorHash, the checksum of OneDrive and SharePoint. `digest` gives 40 lower-case hex digits, once.
 *
 * The vendor's definition XORs byte i into a 160-bit register at bit 11·i mod 160. 11·160 bits are a whole number of turns, so all
 * bytes whose positions are equal modulo 160 land on the same place: they are XORed into one cell each, and the cells into the
 * register at the end, which costs one XOR a byte.
 * Source: https://learn.microsoft.com/en-us/onedrive/developer/code-snippets/quickxorhash (2026).
 */
export function createQuickXorHash(): { update(bytes: Uint8Array): void; digest(): string } {
  const cells = new Uint8Array(WIDTH_BITS);
  let position = 0;
  let length = 0;
  return {
    update(bytes) {
      let at = position;
      for (let index = 0; index < bytes.length; index += 1) {
        cells[at]! ^= bytes[index]!;
        at = at + 1 === WIDTH_BITS ? 0 : at + 1;
      }
      position = at;
      length += bytes.length;
    },
    digest() {
      const register = Buffer.alloc(BYTES);
      for (let cell = 0; cell < WIDTH_BITS; cell += 1) {
        const bit = (cell * SHIFT_BITS) % WIDTH_BITS;
        const shifted = cells[cell]! << (bit % 8);
        const byte = Math.floor(bit / 8);
        register[byte]! ^= shifted & 0xff;
        register[(byte + 1) % BYTES]! ^= shifted >> 8;
      }
      // The length in bytes, 64 bits little-endian, over the last eight bytes.
      const size = Buffer.alloc(8);
      size.writeBigUInt64LE(BigInt(length));
      for (let index = 0; index < size.length; index += 1) register[BYTES - 8 + index]! ^= size[index]!;
      return register.toString('hex');
    },
  };
}

/** The vendor's base64 as lower-case hex; undefined for anything that is not 20 bytes. */
export function quickXorHex(base64: string): string | undefined {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length === BYTES ? bytes.toString('hex') : undefined;
}
