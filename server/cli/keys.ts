import { randomBytes } from 'node:crypto';
import { withDevSecrets } from '../dev-secrets.ts';
import { forgetUnreadableGrants, rotateKeys } from '../services/key-rotation.ts';
import { generateFernetKey } from '../vault/fernet.ts';
import { createVault } from '../vault/vault.ts';
import { withDatabase } from './database.ts';
import type { Io, Result } from './io.ts';

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

/** `keys rotate`: seals every stored grant with the first key of INTEGRATION_ENCRYPTION_KEY, beside a running hub. */
export const rotate = (io: Io): Promise<Result> =>
  withDatabase(io, async (database, config) => {
    const vault = createVault(withDevSecrets(config).config.encryptionKeys);
    const done = await rotateKeys({ database, vault }, ({ seen, resealed }) => {
      io.stderr.write(`${seen} grants looked at, ${resealed} sealed anew\n`);
    });
    return {
      lines: [`All ${done.seen} stored grants are sealed with the first key; ${done.resealed} were sealed anew.`],
      note: 'The other keys may be taken off INTEGRATION_ENCRYPTION_KEY once every process of the hub has the new first one.',
      json: done,
    };
  });

/** `keys forget`: gives up the grants that no key opens. */
export const forget = (io: Io): Promise<Result> =>
  withDatabase(io, async (database, config) => {
    const vault = createVault(withDevSecrets(config).config.encryptionKeys);
    const forgotten = await forgetUnreadableGrants({ database, vault });
    return { lines: [`${forgotten} grants that no key opens were given up.`], json: { forgotten } };
  });
