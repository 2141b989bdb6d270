import { createProviders, missingSettings, type KnownPlatform } from '../../providers/registry.ts';
import type { Config, ConfluenceAccount } from '../config.ts';
import { paths } from '../paths.ts';
import { fail, ok, warn, type Finding } from './finding.ts';

/** Each service: on, or which variables are missing, and the redirect URI to register at the vendor; then the account of the settings. */
export function checkServices(config: Config): Finding[] {
  const { account } = config.confluence;
  return [
    ...createProviders(config).definitions.map((known) => checkService(config, known)),
    ...(account ? [checkAccount(account)] : []),
  ];
}

function checkService(config: Config, known: KnownPlatform): Finding {
  const { label, id, tokenForms } = known.definition;
  const { protocol, hostname } = new URL(config.baseUrl);
  const plain = protocol === 'http:' && hostname !== 'localhost' && hostname !== '127.0.0.1';
  const redirect = `Redirect URI to register: ${config.baseUrl}${paths.callback(id)}`;
  const names = missingSettings(known);
  if (names.length > 0 && config.sandbox) return ok(label, 'is played by the stand-in (SANDBOX=1)');
  const unset = `${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} not set`;
  if (names.length > 0)
    return tokenForms
      ? ok(label, `can be connected with a token. Connecting by consent is off: ${unset}. ${redirect}`)
      : warn(label, `is off: ${unset}. ${redirect}`);
  return plain && !config.sandbox
    ? warn(
        label,
        `is set up, but vendors send people back over http to localhost only: set BASE_URL to an https address. ${redirect}`,
      )
    : ok(label, `is set up. ${redirect}`);
}

/** What can be told without asking the vendor, whom every wrong attempt brings nearer to locking the account. */
function checkAccount({ baseUrl, username, apiToken }: ConfluenceAccount): Finding {
  const about = 'Confluence account';
  const faults = [
    ...(/^[^\s:@]+@[^\s:@]+$/.test(username)
      ? []
      : ['CONFLUENCE_USERNAME must be the e-mail address that signs in to Atlassian']),
    ...(/\s/.test(apiToken.reveal()) ? ['CONFLUENCE_API_TOKEN has a space or a line break in it'] : []),
  ];
  if (faults.length > 0) return fail(about, faults.join('; '));
  if (new URL(baseUrl).protocol === 'http:')
    return warn(about, 'CONFLUENCE_BASE_URL is not https: the token travels unprotected');
  return ok(
    about,
    `${username} at ${baseUrl} is connected when the hub starts; nobody was asked whether the token is right`,
  );
}
