import type { Secret } from '../secret.ts';
import { createFernet, FernetError } from './fernet.ts';

export type Vault = {
  /** Encrypts for one place: `context` names table and row, and only the same context opens it again. */
  seal(plaintext: string, context: string): string;
  /** Errors: FernetError when no key opens it, when it was tampered with, or when it was moved from another row. */
  open(sealed: string, context: string): string;
  /** The same secret sealed with the first key; undefined when it is already. Errors: as `open`. */
  reseal(sealed: string, context: string): string | undefined;
};

/**
 * The one way in and out of every encrypted column. Fernet has no associated data, so the context is sealed in front of the
 * secret and compared on opening: ciphertext that is copied to another row does not open there.
 */
export function createVault(keys: Secret[]): Vault {
  const fernet = createFernet(keys.map((key) => key.reveal()));
  const [first] = keys;
  const firstOnly = createFernet(first ? [first.reveal()] : []);
  const seal = (plaintext: string, context: string) => fernet.encrypt(Buffer.from(`${context}\0${plaintext}`, 'utf8'));
  const open = (sealed: string, context: string) => {
    const text = fernet.decrypt(sealed).toString('utf8');
    const prefix = `${context}\0`;
    if (!text.startsWith(prefix)) throw new FernetError('sealed for another row');
    return text.slice(prefix.length);
  };
  return {
    seal,
    open,
    reseal(sealed, context) {
      const secret = open(sealed, context);
      try {
        firstOnly.decrypt(sealed);
        return undefined;
      } catch {
        return seal(secret, context);
      }
    },
  };
}
