import { randomBytes, randomInt } from 'node:crypto';
import { expect } from 'chai';
import { createChecksum } from '../../providers/checksums.ts';
import { quickXorHex } from '../../providers/microsoft-365/quick-xor-hash.ts';

const WIDTH = 160n;
const MASK = (1n << WIDTH) - 1n;

/** The definition taken at its word, a bit at a time: slow, and written without a look at the other. */
function bitByBit(bytes: Uint8Array): string {
  let register = 0n;
  bytes.forEach((byte, at) => {
    for (let bit = 0; bit < 8; bit += 1)
      if ((byte >> bit) & 1) register ^= 1n << ((BigInt(at) * 11n + BigInt(bit)) % WIDTH);
  });
  register ^= (BigInt(bytes.length) << 96n) & MASK;
  const littleEndian = Buffer.from(register.toString(16).padStart(40, '0'), 'hex').reverse();
  return littleEndian.toString('hex');
}

function hexOf(bytes: Buffer, pieces: number[] = [bytes.length]): string {
  const checksum = createChecksum('quickxor');
  let from = 0;
  for (const length of pieces) {
    checksum.update(bytes.subarray(from, from + length));
    from += length;
  }
  return checksum.digest();
}

describe('QuickXorHash', () => {
  it('gives the values that are known', () => {
    const known: [Buffer, string][] = [
      [Buffer.alloc(0), 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='],
      [Buffer.from('4a', 'hex'), 'SgAAAAAAAAAAAAAAAQAAAAAAAAA='],
      [Buffer.from('XBV6YKU9V7yMakZnFIxIkuU=', 'base64'), 'HbplHsBQih5cgReMQYMRzkABRiA='],
      [Buffer.from('hello world'), 'aCgDG9jwBhDc4Q1yawMZAAAAAAA='],
      [Buffer.alloc(100, 'A'), 'QAEKUIACFKAABShAZQpQgAIEJCA='],
      [Buffer.alloc(1024 * 1024), 'AAAAAAAAAAAAAAAAAAAQAAAAAAA='],
    ];
    for (const [bytes, base64] of known) expect(hexOf(bytes), base64).to.equal(quickXorHex(base64));
  });

  it('agrees with the definition at every length around a turn of the register, and at random ones', () => {
    const lengths = [
      ...Array.from({ length: 340 }, (_, at) => at),
      ...Array.from({ length: 20 }, () => randomInt(20_000)),
    ];
    for (const length of lengths) {
      const bytes = randomBytes(length);
      expect(hexOf(bytes), `${length} bytes`).to.equal(bitByBit(bytes));
    }
  });

  it('does not depend on how the bytes are cut', () => {
    const bytes = randomBytes(50_000);
    const whole = hexOf(bytes);
    for (let round = 0; round < 20; round += 1) {
      const pieces: number[] = [];
      for (let left = bytes.length; left > 0; left -= pieces.at(-1) ?? 0)
        pieces.push(Math.min(left, round % 2 === 0 ? randomInt(0, 400) : randomInt(1, 9000)));
      expect(hexOf(bytes, pieces)).to.equal(whole);
    }
  });

  it('takes nothing but twenty bytes for the vendor’s value', () => {
    for (const text of ['', 'AAAA', 'nonsense', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'])
      expect(quickXorHex(text)).to.equal(undefined);
  });
});
