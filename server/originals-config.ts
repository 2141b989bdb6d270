import { z } from 'zod';
import type { Env } from './config.ts';
import { Secret } from './secret.ts';

/** A container of Azure Blob Storage. */
export type AzureStorageConfig = {
  /** Of the account's blob service, without what signs and without a trailing slash. */
  endpoint: string;
  container: string;
  access:
    | { kind: 'connection-string'; value: Secret }
    /** The query of a shared access signature. */
    | { kind: 'signature'; query: Secret }
    /** What this machine or its environment is known as to Microsoft Entra ID. */
    | { kind: 'identity' };
};

export type OriginalsConfig = {
  keep: 'none' | 'disk' | 'azure';
  /** May be there although originals are kept elsewhere now: those of before are opened and removed there. */
  azure?: AzureStorageConfig;
};

type Readers = {
  problems: string[];
  take: <T>(name: string, schema: z.ZodType<T>, fallback: T, hint: string) => T;
};

const CONNECTION = 'AZURE_STORAGE_CONNECTION_STRING';
const ACCOUNT_URL = 'AZURE_STORAGE_ACCOUNT_URL';
const CONTAINER = 'AZURE_STORAGE_CONTAINER';
/** Source: https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#container-names */
const CONTAINER_NAME = /^[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]$/;
/** Of the emulator. Source: https://learn.microsoft.com/azure/storage/common/storage-connect-azurite */
const EMULATOR = 'http://127.0.0.1:10000/devstoreaccount1';

/** What the variables say of originals. Every problem is added to `problems`. */
export function parseOriginals(env: Env, { problems, take }: Readers): OriginalsConfig {
  const keep = take('KEEP_ORIGINALS', z.enum(['none', 'disk', 'azure']), 'none', 'must be none, disk or azure');
  const connection = env[CONNECTION];
  const address = env[ACCOUNT_URL];
  const container = take(
    CONTAINER,
    z.string().regex(CONTAINER_NAME),
    undefined as string | undefined,
    'must have 3 to 63 lower-case letters, digits and single hyphens, for example tributary-originals',
  );
  if (keep === 'azure' && connection === undefined && address === undefined)
    problems.push(`KEEP_ORIGINALS: azure needs ${CONNECTION}, or ${ACCOUNT_URL}, and ${CONTAINER}`);
  else if ((connection ?? address) === undefined && env[CONTAINER] !== undefined)
    problems.push(`${CONTAINER}: needs ${CONNECTION} or ${ACCOUNT_URL}`);
  else if ((connection ?? address) !== undefined && env[CONTAINER] === undefined)
    problems.push(
      `${CONTAINER}: must name the container, for example tributary-originals; it is made if it is not there`,
    );
  if (connection !== undefined && address !== undefined)
    problems.push(`${ACCOUNT_URL}: use either it or ${CONNECTION}, not both`);

  const account = connection !== undefined ? byConnectionString(connection) : address && byAddress(address);
  if (typeof account === 'string') problems.push(account);
  return {
    keep,
    azure: typeof account === 'object' && container !== undefined ? { ...account, container } : undefined,
  };
}

type Account = Omit<AzureStorageConfig, 'container'>;

/** The account, or what is wrong: never with any part of the value, which may hold a key. */
function byConnectionString(value: string): Account | string {
  const access = { kind: 'connection-string', value: new Secret(value) } as const;
  if (value === 'UseDevelopmentStorage=true') return { endpoint: EMULATOR, access };
  const parts = new Map(
    value.split(';').map((part) => {
      const at = part.indexOf('=');
      return [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    }),
  );
  const isSet = (name: string) => (parts.get(name) ?? '') !== '';
  const [protocol, name, suffix] = ['DefaultEndpointsProtocol', 'AccountName', 'EndpointSuffix'].map((part) =>
    parts.get(part),
  );
  const endpoint = plainUrl(parts.get('BlobEndpoint') ?? `${protocol}://${name}.blob.${suffix}`);
  const complete =
    (isSet('AccountName') && isSet('AccountKey') && (isSet('BlobEndpoint') || (protocol && suffix))) ||
    (isSet('BlobEndpoint') && isSet('SharedAccessSignature'));
  if (!complete || !endpoint)
    return `${CONNECTION}: must be as the portal shows it under Access keys: DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net`;
  return { endpoint: endpoint.address, access };
}

function byAddress(value: string): Account | string {
  const url = plainUrl(value);
  if (!url)
    return `${ACCOUNT_URL}: must be the address of the account's blob service, for example https://example.blob.core.windows.net`;
  if (new URLSearchParams(url.query).has('sig'))
    return { endpoint: url.address, access: { kind: 'signature', query: new Secret(url.query) } };
  if (!url.address.startsWith('https:'))
    return `${ACCOUNT_URL}: must be https, because the hub signs in with a token there`;
  return { endpoint: url.address, access: { kind: 'identity' } };
}

function plainUrl(value: string): { address: string; query: string } | undefined {
  const parsed = z.url({ protocol: /^https?$/ }).safeParse(value);
  if (!parsed.success) return undefined;
  const url = new URL(parsed.data);
  if (url.username || url.password || url.hash) return undefined;
  return { address: `${url.origin}${url.pathname}`.replace(/\/+$/, ''), query: url.search.slice(1) };
}
