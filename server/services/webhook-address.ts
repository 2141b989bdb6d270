import type { Platform, Provider, Webhooks } from '../../providers/provider.ts';
import type { Config } from '../config.ts';
import { isPrivateAddress } from '../egress/addresses.ts';
import { paths } from '../paths.ts';

/** Where a vendor is told to call. */
export const webhookUrl = (config: Config, platform: Platform, hooks: Webhooks, integrationId: string): string =>
  config.baseUrl + paths.webhook(platform, hooks.address === 'account' ? integrationId : undefined);

/**
 * Why a vendor cannot reach the hub, in a sentence that says what to do; undefined where it can, as far as the hub's own address tells. A vendor
 * that itself is on this machine, as stand-ins are, reaches everything.
 */
export function whyNotReachable(config: Config, { definition }: Pick<Provider, 'definition'>): string | undefined {
  const { protocol, hostname } = new URL(config.baseUrl);
  if (protocol === 'https:' && !isLocal(hostname)) return undefined;
  if (isLoopback(new URL(apiUrlOf(config, definition.id)).hostname)) return undefined;
  return `${definition.label} calls public https addresses only, and the address of this hub is ${config.baseUrl}. Set BASE_URL to a public https address first.`;
}

const apiUrlOf = (config: Config, platform: Platform): string =>
  ({
    google_drive: config.google.apiUrl,
    microsoft: config.microsoft.graphUrl,
    dropbox: config.dropbox.apiUrl,
    confluence: config.confluence.apiUrl,
    jira: config.jira.apiUrl,
  })[platform];

const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\./.test(hostname);

/** Of a name only this can be told; a literal address tells more. */
const isLocal = (hostname: string): boolean =>
  isLoopback(hostname) || (/^[\d.]+$|^\[/.test(hostname) && isPrivateAddress(hostname));
