import { createHash, type Hash } from 'node:crypto';

/** Source: https://www.dropbox.com/developers/reference/content-hash (2026). */
const BLOCK_BYTES = 4 * 1024 * 1024;

/**
 * Dropbox's `content_hash` as a running checksum: SHA-256 over the SHA-256 digests of blocks of 4 MiB, the last one shorter.
 * Holds no block in memory. `digest` gives lower-case hex, once.
 */
export function createContentHash(): { update(bytes: Uint8Array): void; digest(): string } {
  const whole = createHash('sha256');
  let block: Hash | undefined;
  let filled = 0;
  const closeBlock = (): void => {
    if (block) whole.update(block.digest());
    block = undefined;
    filled = 0;
  };
  return {
    update(bytes) {
      for (let from = 0; from < bytes.length;) {
        const to = Math.min(bytes.length, from + BLOCK_BYTES - filled);
        block ??= createHash('sha256');
        block.update(bytes.subarray(from, to));
        filled += to - from;
        from = to;
        if (filled === BLOCK_BYTES) closeBlock();
      }
    },
    digest() {
      closeBlock();
      return whole.digest('hex');
    },
  };
}
