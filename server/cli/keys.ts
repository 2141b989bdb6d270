import { randomBytes } from 'node:crypto';
import { generateFernetKey } from '../vault/fernet.ts';
import type { Result } from './io.ts';

/** `keys generate`: fresh secrets in the form of `.env`. Nothing is written anywhere. */
export function generateKeys(): Result {
  const keys = {
    SESSION_SECRET: randomBytes(32).toString('base64url'),
    INTEGRATION_ENCRYPTION_KEY: generateFernetKey(),
  };
  return {
    lines: Object.entries(keys).map(([name, value]) => `${name}=${value}`),
    note:
      'Put both into .env, and keep the encryption key safe: without it stored grants cannot be opened. To change a key, put the new ' +
      'one in front of the old, with a comma between.',
    json: keys,
  };
}
