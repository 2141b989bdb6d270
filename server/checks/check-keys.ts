import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Config } from '../config.ts';
import { withDevSecrets } from '../dev-secrets.ts';
import { createFernet } from '../vault/fernet.ts';
import { createVault } from '../vault/vault.ts';
import { fail, ok, type Finding } from './finding.ts';
import { reasonOf } from './reason.ts';

const KEY = 'INTEGRATION_ENCRYPTION_KEY';

/** Whether the keys are there and open the stored grants. */
export function checkKeys(given: Config, sealed: string[]): Finding[] {
  const made = {
    encryption: path.join(given.dataDir, 'encryption-key'),
    session: path.join(given.dataDir, 'session-secret'),
  };
  const absent = {
    encryption: given.encryptionKeys.length === 0 && !existsSync(made.encryption),
    session: given.sessionSecrets.length === 0 && !existsSync(made.session),
  };
  // Reading would make them, and looking should change nothing. What is absent cannot be wrong.
  if (absent.encryption || absent.session)
    return [
      sealed.length > 0 && absent.encryption
        ? fail(
            KEY,
            `is not set and ${made.encryption} is gone: ${sealed.length} stored grants cannot be opened without it`,
          )
        : ok(KEY, absent.encryption ? `is made at the first start, in ${made.encryption}` : 'is there'),
      ok('SESSION_SECRET', absent.session ? `is made at the first start, in ${made.session}` : 'is there'),
    ];
  try {
    const { config } = withDevSecrets(given);
    const vault = createVault(config.encryptionKeys);
    if (vault.open(vault.seal('check', 'check'), 'check') !== 'check')
      throw new Error('a sealed value opened as another');
    const fernet = createFernet(config.encryptionKeys.map((key) => key.reveal()));
    const shut = sealed.filter((grant) => !opens(() => fernet.decrypt(grant))).length;
    const from = (own: boolean, file: string) => (own ? '' : `, from ${file}`);
    return [
      shut > 0
        ? fail(
            KEY,
            `${shut} of ${sealed.length} stored grants cannot be opened: add the key they were sealed with behind the present one, or reconnect those accounts`,
          )
        : ok(
            KEY,
            `${counted(config.encryptionKeys.length, 'key')}${from(given.encryptionKeys.length > 0, made.encryption)}` +
              (sealed.length > 0 ? `; opens ${counted(sealed.length, 'stored grant')}` : ''),
          ),
      ok(
        'SESSION_SECRET',
        `${counted(config.sessionSecrets.length, 'secret')}${from(given.sessionSecrets.length > 0, made.session)}`,
      ),
    ];
  } catch (error) {
    return [fail('keys', `cannot be used: ${reasonOf(error)}`)];
  }
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

function opens(open: () => unknown): boolean {
  try {
    open();
    return true;
  } catch {
    return false;
  }
}
