import { IDENTITY_PROVIDER_LABELS, IDENTITY_PROVIDERS } from '../../providers/identity-provider.ts';
import type { Config } from '../config.ts';
import { paths } from '../paths.ts';
import { ok, warn, type Finding } from './finding.ts';

/** With which services' accounts people sign in, the redirect URI to register at each, and who may come. Nobody is asked. */
export function checkSso({ sso, baseUrl, sandbox }: Config): Finding[] {
  const on = IDENTITY_PROVIDERS.filter((id) => sso[id]);
  if (on.length === 0) return [ok('sign-in', 'by password only; SSO_PROVIDERS is not set')];
  const { protocol, hostname } = new URL(baseUrl);
  const plain = protocol === 'http:' && hostname !== 'localhost' && hostname !== '127.0.0.1';
  const domains = sso.allowedDomains.join(', ');
  return [
    ok(
      'sign-in',
      `by password, ${on.map((id) => IDENTITY_PROVIDER_LABELS[id]).join(' and ')}; ${
        domains === ''
          ? 'only people with an account or an invitation come in'
          : `whoever has an address of ${domains} gets an account by themselves`
      }`,
    ),
    ...on.map((id): Finding => {
      const about = `sign-in with ${IDENTITY_PROVIDER_LABELS[id]}`;
      const redirect = `Redirect URI to register: ${baseUrl}${paths.ssoCallback(id)}`;
      if (sandbox) return ok(about, 'is played by the stand-in (SANDBOX=1)');
      return plain
        ? warn(
            about,
            `is on, but services send people back over http to localhost only: set BASE_URL to an https address. ${redirect}`,
          )
        : ok(about, `is on. ${redirect}`);
    }),
  ];
}
