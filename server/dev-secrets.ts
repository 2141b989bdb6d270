import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Config } from './config.ts';
import { Secret } from './secret.ts';
import { generateFernetKey } from './vault/fernet.ts';

/**
 * Fills in the secrets that may be absent outside production: made once, kept in the data directory, readable by its owner only.
 * `created` tells whether a file was written, so that the log can say where the keys are.
 */
export function withDevSecrets(config: Config): { config: Config; created: string[] } {
  if (config.environment === 'production') return { config, created: [] };
  const created: string[] = [];
  const keep = (name: string, make: () => string): Secret => {
    const file = path.join(config.dataDir, name);
    if (!existsSync(file)) {
      mkdirSync(config.dataDir, { recursive: true });
      writeFileSync(file, `${make()}\n`, { mode: 0o600, flag: 'wx' });
      created.push(file);
    }
    chmodSync(file, 0o600);
    return new Secret(readFileSync(file, 'utf8').trim());
  };
  return {
    config: {
      ...config,
      sessionSecrets: config.sessionSecrets.length
        ? config.sessionSecrets
        : [keep('session-secret', () => randomBytes(32).toString('base64url'))],
      encryptionKeys: config.encryptionKeys.length
        ? config.encryptionKeys
        : [keep('encryption-key', generateFernetKey)],
    },
    created,
  };
}
