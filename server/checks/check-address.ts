import type { Config } from '../config.ts';
import { ok, warn, type Finding } from './finding.ts';

/** What the hub is and where, and whether that address protects what travels to it. */
export function checkAddress(given: Pick<Config, 'environment' | 'role' | 'baseUrl'>): Finding[] {
  const found: Finding[] = [ok('configuration', `${given.environment}, role ${given.role}, address ${given.baseUrl}`)];
  if (given.environment === 'production' && given.baseUrl.startsWith('http:'))
    found.push(
      warn(
        'BASE_URL',
        'is not https: cookies travel unprotected. Put the hub behind TLS and set BASE_URL to its https address',
      ),
    );
  return found;
}
