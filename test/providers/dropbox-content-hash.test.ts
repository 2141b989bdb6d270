import { createHash, randomBytes, randomInt } from 'node:crypto';
import { expect } from 'chai';
import { createChecksum } from '../../providers/checksums.ts';

const BLOCK = 4 * 1024 * 1024;

/** As the description says it, with everything in memory. */
function plainly(bytes: Buffer): string {
  const digests: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK)
    digests.push(
      createHash('sha256')
        .update(bytes.subarray(at, at + BLOCK))
        .digest(),
    );
  return createHash('sha256').update(Buffer.concat(digests)).digest('hex');
}

function inPieces(bytes: Buffer, sizeOf: () => number): string {
  const hash = createChecksum('dropbox');
  for (let at = 0; at < bytes.length;) {
    const to = Math.min(bytes.length, at + sizeOf());
    hash.update(bytes.subarray(at, to));
    at = to;
  }
  return hash.digest();
}

describe('the content hash of Dropbox', () => {
  it('gives known values for known content', () => {
    const known: [Buffer, string][] = [
      [Buffer.alloc(0), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
      [Buffer.from('A'), '1cd6ef71e6e0ff46ad2609d403dc3fee244417089aa4461245a4e4fe23a55e42'],
      [Buffer.from('hello world'), 'bc62d4b80d9e36da29c16c5d4d9f11731f36052c72401a76c23c0fb5a9b74423'],
      [Buffer.alloc(BLOCK, 'A'), 'd4d63bac5b866c71620185392a8a6218ac1092454a2d16f820363b69852befa3'],
      [Buffer.alloc(BLOCK + 1, 'A'), '8f553da8d00d0bf509d8470e242888be33019c20c0544811f5b2b89e98360b92'],
    ];
    for (const [bytes, hex] of known) {
      expect(
        inPieces(bytes, () => bytes.length),
        `${bytes.length} bytes`,
      ).to.equal(hex);
      expect(plainly(bytes)).to.equal(hex);
    }
  });

  it('does not depend on how the bytes arrive', () => {
    for (const size of [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 12_345]) {
      const bytes = randomBytes(size);
      const expected = plainly(bytes);
      for (const most of [65_536, 1_000_003, BLOCK, 3 * BLOCK])
        expect(
          inPieces(bytes, () => randomInt(1, most)),
          `${size} bytes in pieces up to ${most}`,
        ).to.equal(expected);
    }
  });

  it('takes empty pieces for nothing', () => {
    const hash = createChecksum('dropbox');
    for (const piece of ['', 'hello', '', ' world', '']) hash.update(Buffer.from(piece));
    expect(hash.digest()).to.equal('bc62d4b80d9e36da29c16c5d4d9f11731f36052c72401a76c23c0fb5a9b74423');
  });
});
