import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const VERSION = 0x80;
const HEADER_BYTES = 9; // version, 8 bytes of time
const IV_BYTES = 16;
const MAC_BYTES = 32;
const MIN_BYTES = HEADER_BYTES + IV_BYTES + 16 + MAC_BYTES;

/** Thrown for a token that no key opens, or that is not a Fernet token. Says nothing of the content. */
export class FernetError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'FernetError';
  }
}

/** Strict URL-safe base64: Node's decoder skips what it does not know, the spec refuses it. */
function decode(text: string): Buffer {
  if (!/^[A-Za-z0-9_-]+={0,2}$/.test(text) || text.length % 4 !== 0) throw new FernetError('not URL-safe base64');
  const bytes = Buffer.from(text, 'base64url');
  if (encode(bytes) !== text) throw new FernetError('not canonical base64');
  return bytes;
}

function encode(bytes: Buffer): string {
  const text = bytes.toString('base64url');
  return text + '='.repeat((4 - (text.length % 4)) % 4);
}

/** A fresh key: 32 random bytes in URL-safe base64 with padding. */
export function generateFernetKey(): string {
  return encode(randomBytes(32));
}

export type Fernet = {
  encrypt(plaintext: Buffer, options?: { now?: number; iv?: Buffer }): string;
  decrypt(token: string, options?: { now?: number; ttlSeconds?: number; maxClockSkewSeconds?: number }): Buffer;
};

/**
 * Symmetric authenticated encryption: AES-128-CBC and HMAC-SHA256, interchangeable with Python's `cryptography.fernet`.
 * The first key encrypts, every key decrypts. Times are seconds since the epoch.
 * Errors: FernetError for a bad key, a token that is malformed, tampered with, expired or sealed by an unknown key.
 * Source: https://github.com/fernet/spec/blob/master/Spec.md
 */
export function createFernet(keys: string[]): Fernet {
  const parsed = keys.map((key) => {
    const bytes = decode(key.length === 43 ? `${key}=` : key);
    if (bytes.length !== 32) throw new FernetError('a Fernet key has 32 bytes');
    return { signing: bytes.subarray(0, 16), encryption: bytes.subarray(16) };
  });
  const [first] = parsed;
  if (!first) throw new FernetError('at least one Fernet key is needed');

  return {
    encrypt(plaintext, { now = Math.floor(Date.now() / 1000), iv = randomBytes(IV_BYTES) } = {}) {
      const header = Buffer.alloc(HEADER_BYTES);
      header[0] = VERSION;
      header.writeBigUInt64BE(BigInt(now), 1);
      const cipher = createCipheriv('aes-128-cbc', first.encryption, iv);
      const body = Buffer.concat([header, iv, cipher.update(plaintext), cipher.final()]);
      return encode(Buffer.concat([body, createHmac('sha256', first.signing).update(body).digest()]));
    },

    decrypt(token, { now = Math.floor(Date.now() / 1000), ttlSeconds, maxClockSkewSeconds = 60 } = {}) {
      const bytes = decode(token);
      if (bytes.length < MIN_BYTES || bytes[0] !== VERSION || (bytes.length - HEADER_BYTES - MAC_BYTES) % 16 !== 0)
        throw new FernetError('not a Fernet token');
      const body = bytes.subarray(0, -MAC_BYTES);
      const mac = bytes.subarray(-MAC_BYTES);
      const key = parsed.find(({ signing }) =>
        timingSafeEqual(createHmac('sha256', signing).update(body).digest(), mac),
      );
      if (!key) throw new FernetError('no key opens this token');
      const sealedAt = Number(bytes.readBigUInt64BE(1));
      if (ttlSeconds !== undefined && (sealedAt + ttlSeconds < now || sealedAt > now + maxClockSkewSeconds))
        throw new FernetError('the token is expired or from the future');
      const decipher = createDecipheriv(
        'aes-128-cbc',
        key.encryption,
        body.subarray(HEADER_BYTES, HEADER_BYTES + IV_BYTES),
      );
      try {
        return Buffer.concat([decipher.update(body.subarray(HEADER_BYTES + IV_BYTES)), decipher.final()]);
      } catch (cause) {
        throw new FernetError('the token has bad padding', { cause });
      }
    },
  };
}
