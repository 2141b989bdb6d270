import { createHash } from 'node:crypto';
import { createContentHash } from './dropbox/content-hash.ts';
import { createQuickXorHash } from './microsoft-365/quick-xor-hash.ts';

/** Running checksum of a stream. `digest` gives lower-case hex, once. */
export type Checksum = { update(bytes: Uint8Array): void; digest(): string };

/** Checksums that vendors publish with their files. */
export type ChecksumAlgorithm = 'md5' | 'sha1' | 'sha256' | 'quickxor' | 'dropbox';

export function createChecksum(algorithm: ChecksumAlgorithm): Checksum {
  if (algorithm === 'quickxor') return createQuickXorHash();
  if (algorithm === 'dropbox') return createContentHash();
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
}
