import { z } from 'zod';
import { parseAzureSearch, type AzureSearchConfig } from './azure-search-config.ts';
import { parseModels, type ChatConfig, type EmbeddingConfig, type ModelPrices } from './model-config.ts';
import { parseOriginals, type OriginalsConfig } from './originals-config.ts';
import { parseOperations, type OperationsConfig } from './operations-config.ts';
import { mailFrom, smtpUrl, webhookSecrets, webhookUrl } from './notifications/settings.ts';
import type { MailConfig, WebhookConfig } from './notifications/settings.ts';
import { Secret } from './secret.ts';
import { parseTracing, type TracingConfig } from './tracing-config.ts';
import { parseSso, type SsoConfig } from './sso-config.ts';

/** Endpoints of one vendor: origin plus optional path prefix, without a trailing slash. */
export type GoogleConfig = {
  clientId?: string;
  clientSecret?: Secret;
  authUrl: string;
  tokenUrl: string;
  revokeUrl: string;
  userinfoUrl: string;
  apiUrl: string;
};

export type MicrosoftConfig = {
  clientId?: string;
  clientSecret?: Secret;
  /** `common`, `organizations`, `consumers`, or a directory's id or domain. */
  tenantId: string;
  authorityUrl: string;
  /** Without `/v1.0`. */
  graphUrl: string;
};

export type DropboxConfig = {
  clientId?: string;
  clientSecret?: Secret;
  authUrl: string;
  tokenUrl: string;
  /** Without `/2`. */
  apiUrl: string;
  /** Without `/2`. */
  contentUrl: string;
};

/** Confluence or Jira: an app at Atlassian, and where its services are. */
export type AtlassianConfig = {
  clientId?: string;
  clientSecret?: Secret;
  authUrl: string;
  apiUrl: string;
};

/** An account that the operator connects by settings alone. */
export type ConfluenceAccount = { baseUrl: string; username: string; apiToken: Secret };

export type Config = {
  environment: 'production' | 'development' | 'test';
  port: number;
  host: string;
  /** Public origin without a trailing slash. */
  baseUrl: string;
  trustProxy?: number | string;
  /** Origins whose pages may call the JSON API. */
  apiCorsOrigins: string[];
  role: 'all' | 'web' | 'worker';
  database: { kind: 'postgres'; url: Secret } | { kind: 'embedded' };
  dataDir: string;
  redisUrl?: Secret;
  /** First signs, all verify. Empty: generated into the data directory (never in production). */
  sessionSecrets: Secret[];
  /** Fernet keys: first encrypts, all decrypt. Empty: generated into the data directory (never in production). */
  encryptionKeys: Secret[];
  firstAdmin?: { email: string; password: Secret };
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  google: GoogleConfig;
  microsoft: MicrosoftConfig;
  dropbox: DropboxConfig;
  confluence: AtlassianConfig & { account?: ConfluenceAccount };
  jira: AtlassianConfig;
  sso: SsoConfig;
  /** Extra `host` or `host:port` the outbound guard lets through. */
  egressAllowedHosts: string[];
  /** Absent: the built-in embedder. */
  embedding?: EmbeddingConfig;
  /** Absent: questions are answered by extracts. */
  chat?: ChatConfig;
  prices: ModelPrices;
  originals: OriginalsConfig;
  /** Absent: the index is in the database. */
  azureSearch?: AzureSearchConfig;
  maxFileBytes: number;
  importConcurrency: number;
  /** Absent: nobody is written to. */
  mail?: MailConfig;
  /** Absent: no other system is told. */
  webhook?: WebhookConfig;
  /** What the audit log tells is kept for so long. */
  auditRetentionDays: number;
  operations: OperationsConfig;
  /** Absent: nothing is traced. */
  tracing?: TracingConfig;
  sandbox?: { filesDir?: string };
};

export type Env = Record<string, string | undefined>;

/** Every problem of the environment at once; `problems` has one line a variable: name, reason, example. */
export class ConfigError extends Error {
  readonly problems: string[];

  constructor(problems: string[]) {
    super(`The configuration has ${problems.length} problem(s):\n${problems.map((p) => `  - ${p}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** The only reader of process.env. An empty variable counts as unset. */
export function readEnv(): Env {
  return Object.fromEntries(
    Object.entries(process.env).map(([name, value]) => [name, value === '' ? undefined : value]),
  );
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const httpUrl = z.url({ protocol: /^https?$/ }).transform((value) => value.replace(/\/+$/, ''));
const list = (value: string | undefined): string[] =>
  (value ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

/** Whether browsers would send it as `Origin`: lower case, no path, no default port. */
const isWebOrigin = (value: string): boolean =>
  /^https?:/.test(value) && URL.canParse(value) && new URL(value).origin === value;

/**
 * Turns variables into the typed configuration. Pure: same input, same output, nothing read or written.
 * Errors: ConfigError naming every problem.
 */
export function parseConfig(env: Env): Config {
  const problems: string[] = [];
  function take<T>(name: string, schema: z.ZodType<T>, fallback: T, hint: string): T {
    const value = env[name];
    if (value === undefined) return fallback;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    problems.push(`${name}: ${hint}`);
    return fallback;
  }
  const secret = (name: string): Secret | undefined => (env[name] === undefined ? undefined : new Secret(env[name]));
  const url = (name: string, fallback: string): string =>
    take(name, httpUrl, fallback, `must be an http or https address, for example ${fallback}`);
  const wholeNumber = (name: string, fallback: number, min: number, max: number): number =>
    take(
      name,
      z.string().regex(/^\d+$/).transform(Number).pipe(z.number().min(min).max(max)),
      fallback,
      `must be a whole number from ${min} to ${max}, for example ${fallback}`,
    );

  const environment = take(
    'NODE_ENV',
    z.enum(['production', 'development', 'test']),
    'development',
    'must be production, development or test',
  );
  const production = environment === 'production';
  const port = wholeNumber('PORT', 3000, 0, 65535);
  const host = env.HOST ?? (production ? '0.0.0.0' : '127.0.0.1');
  const baseUrl = take(
    'BASE_URL',
    httpUrl.refine((value) => new URL(value).pathname === '/'),
    `http://localhost:${port}`,
    'must be an origin without a path, for example https://hub.example.com',
  );
  const role = take('ROLE', z.enum(['all', 'web', 'worker']), 'all', 'must be all, web or worker');
  const databaseUrl = take(
    'DATABASE_URL',
    z.url({ protocol: /^postgres(ql)?$/ }).transform((value) => new Secret(value)),
    undefined as Secret | undefined,
    'must be a Postgres address, for example postgres://user:password@db.example.com:5432/tributary',
  );
  const redisUrl = take(
    'REDIS_URL',
    z.url({ protocol: /^rediss?$/ }).transform((value) => new Secret(value)),
    undefined as Secret | undefined,
    'must be a Redis address, for example redis://localhost:6379',
  );
  const logLevel = take(
    env.LOG_LEVEL === undefined ? 'LOGLEVEL' : 'LOG_LEVEL',
    z.string().toLowerCase().pipe(z.enum(LOG_LEVELS)),
    'info',
    `must be one of ${LOG_LEVELS.join(', ')}`,
  );

  const sessionSecrets = list(env.SESSION_SECRET).map((value) => new Secret(value));
  if (production && sessionSecrets.length === 0)
    problems.push(
      'SESSION_SECRET: is required in production: 32 random characters or more, for example from `npm run hub -- keys generate`',
    );
  if (sessionSecrets.some((value) => value.reveal().length < 16))
    problems.push('SESSION_SECRET: each value must have 16 characters or more');
  const encryptionKeys = list(env.INTEGRATION_ENCRYPTION_KEY).map((value) => new Secret(value));
  if (production && encryptionKeys.length === 0)
    problems.push(
      'INTEGRATION_ENCRYPTION_KEY: is required in production: a Fernet key, for example from `npm run hub -- keys generate`',
    );
  if (encryptionKeys.some((key) => !/^[A-Za-z0-9_-]{43}=?$/.test(key.reveal())))
    problems.push(
      'INTEGRATION_ENCRYPTION_KEY: each key must be 32 bytes in URL-safe base64 (44 characters), for example from `npm run hub -- keys generate`',
    );

  const adminEmail = take(
    'ADMIN_EMAIL',
    z.email(),
    undefined as string | undefined,
    'must be an e-mail address, for example admin@example.com',
  );
  const adminPassword = take(
    'ADMIN_PASSWORD',
    z
      .string()
      .min(12)
      .transform((value) => new Secret(value)),
    undefined as Secret | undefined,
    'must have 12 characters or more',
  );
  if ((env.ADMIN_EMAIL === undefined) !== (env.ADMIN_PASSWORD === undefined))
    problems.push('ADMIN_EMAIL and ADMIN_PASSWORD: set both or neither');

  const sandboxOn = take(
    'SANDBOX',
    z.enum(['0', '1']).transform((value) => value === '1'),
    false,
    'must be 0 or 1',
  );
  if (sandboxOn && production) problems.push('SANDBOX: is refused when NODE_ENV=production; unset it');

  for (const [id, clientSecret] of [
    ['GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET'],
    ['MICROSOFT_CLIENT_ID', 'MICROSOFT_CLIENT_SECRET'],
    ['DROPBOX_APP_KEY', 'DROPBOX_APP_SECRET'],
    ['ATLASSIAN_CLIENT_ID', 'ATLASSIAN_CLIENT_SECRET'],
    ['CONFLUENCE_CLIENT_ID', 'CONFLUENCE_CLIENT_SECRET'],
    ['CONFLUENCE_OAUTH_CLIENT_ID', 'CONFLUENCE_OAUTH_CLIENT_SECRET'],
    ['JIRA_CLIENT_ID', 'JIRA_CLIENT_SECRET'],
    ['JIRA_OAUTH_CLIENT_ID', 'JIRA_OAUTH_CLIENT_SECRET'],
  ] as const)
    if ((env[id] === undefined) !== (env[clientSecret] === undefined))
      problems.push(`${id} and ${clientSecret}: set both or neither`);

  /** The product's own app, in either spelling, else the one that both products share. */
  const atlassian = (product: 'CONFLUENCE' | 'JIRA'): AtlassianConfig => {
    const [prefix = 'ATLASSIAN'] = [product, `${product}_OAUTH`].filter(
      (name) => env[`${name}_CLIENT_ID`] !== undefined,
    );
    return {
      clientId: env[`${prefix}_CLIENT_ID`],
      clientSecret: secret(`${prefix}_CLIENT_SECRET`),
      authUrl: url('ATLASSIAN_AUTH_URL', 'https://auth.atlassian.com'),
      apiUrl: url('ATLASSIAN_API_URL', 'https://api.atlassian.com'),
    };
  };

  const confluenceBase = take(
    'CONFLUENCE_BASE_URL',
    httpUrl,
    undefined as string | undefined,
    'must be an http or https address, for example https://acme.atlassian.net/wiki',
  );
  const confluenceToken = secret('CONFLUENCE_API_TOKEN');
  const confluenceSettings = ['CONFLUENCE_BASE_URL', 'CONFLUENCE_USERNAME', 'CONFLUENCE_API_TOKEN'];
  const confluenceGiven = confluenceSettings.filter((name) => env[name] !== undefined);
  if (confluenceGiven.length > 0 && confluenceGiven.length < confluenceSettings.length)
    problems.push('CONFLUENCE_BASE_URL, CONFLUENCE_USERNAME and CONFLUENCE_API_TOKEN: set all three or none');

  const smtp = take(
    'SMTP_URL',
    smtpUrl,
    undefined as Omit<MailConfig, 'from'> | undefined,
    'must be smtp://user:password@host:587 or smtps://user:password@host:465, with special characters percent-encoded; smtp demands STARTTLS unless ?requireTLS=false follows',
  );
  const from = take(
    'MAIL_FROM',
    mailFrom,
    undefined as MailConfig['from'] | undefined,
    'must be an e-mail address with or without a name, for example Tributary <hub@example.com>',
  );
  const hookUrl = take(
    'WEBHOOK_URL',
    webhookUrl,
    undefined as string | undefined,
    'must be an http or https address without a user name, for example https://example.com/hooks/tributary',
  );
  const hookSecrets = take(
    'WEBHOOK_SECRET',
    webhookSecrets,
    undefined as Secret[] | undefined,
    'must be whsec_ and 24 to 64 bytes in base64, for example whsec_ followed by what `openssl rand -base64 32` prints',
  );
  for (const [one, other] of [
    ['SMTP_URL', 'MAIL_FROM'],
    ['WEBHOOK_URL', 'WEBHOOK_SECRET'],
  ] as const)
    if ((env[one] === undefined) !== (env[other] === undefined))
      problems.push(`${one} and ${other}: set both or neither`);

  const trustProxy =
    env.TRUST_PROXY === undefined
      ? undefined
      : /^\d+$/.test(env.TRUST_PROXY)
        ? Number(env.TRUST_PROXY)
        : env.TRUST_PROXY;
  if (trustProxy === 'true')
    problems.push(
      'TRUST_PROXY: must be a hop count or addresses, for example 1 or 10.0.0.0/8; "true" would trust everybody',
    );

  const apiCorsOrigins = list(env.API_CORS_ORIGINS);
  for (const origin of apiCorsOrigins)
    if (!isWebOrigin(origin))
      problems.push(
        `API_CORS_ORIGINS: ${origin.slice(0, 100)} must be an http or https origin as browsers write it, without a path, for example https://app.example.com`,
      );

  const google: GoogleConfig = {
    clientId: env.GOOGLE_CLIENT_ID,
    clientSecret: secret('GOOGLE_CLIENT_SECRET'),
    authUrl: url('GOOGLE_AUTH_URL', 'https://accounts.google.com/o/oauth2/v2/auth'),
    tokenUrl: url('GOOGLE_TOKEN_URL', 'https://oauth2.googleapis.com/token'),
    revokeUrl: url('GOOGLE_REVOKE_URL', 'https://oauth2.googleapis.com/revoke'),
    userinfoUrl: url('GOOGLE_USERINFO_URL', 'https://www.googleapis.com/oauth2/v3/userinfo'),
    apiUrl: url('GOOGLE_API_URL', 'https://www.googleapis.com'),
  };
  const jira = atlassian('JIRA');

  const config: Config = {
    environment,
    port,
    host,
    baseUrl,
    trustProxy,
    apiCorsOrigins,
    role,
    database: databaseUrl ? { kind: 'postgres', url: databaseUrl } : { kind: 'embedded' },
    dataDir: env.DATA_DIR ?? './data',
    redisUrl,
    sessionSecrets,
    encryptionKeys,
    firstAdmin: adminEmail && adminPassword ? { email: adminEmail, password: adminPassword } : undefined,
    logLevel,
    google,
    microsoft: {
      clientId: env.MICROSOFT_CLIENT_ID,
      clientSecret: secret('MICROSOFT_CLIENT_SECRET'),
      tenantId: take(
        'MICROSOFT_TENANT_ID',
        z.string().regex(/^[\w.-]+$/),
        'common',
        'must be common, organizations, consumers, or a directory id or domain, for example contoso.onmicrosoft.com',
      ),
      authorityUrl: url('MICROSOFT_AUTHORITY_URL', 'https://login.microsoftonline.com'),
      graphUrl: url('MICROSOFT_GRAPH_URL', 'https://graph.microsoft.com'),
    },
    dropbox: {
      clientId: env.DROPBOX_APP_KEY,
      clientSecret: secret('DROPBOX_APP_SECRET'),
      authUrl: url('DROPBOX_AUTH_URL', 'https://www.dropbox.com/oauth2/authorize'),
      tokenUrl: url('DROPBOX_TOKEN_URL', 'https://api.dropboxapi.com/oauth2/token'),
      apiUrl: url('DROPBOX_API_URL', 'https://api.dropboxapi.com'),
      contentUrl: url('DROPBOX_CONTENT_URL', 'https://content.dropboxapi.com'),
    },
    confluence: {
      ...atlassian('CONFLUENCE'),
      account:
        confluenceBase && env.CONFLUENCE_USERNAME && confluenceToken
          ? { baseUrl: confluenceBase, username: env.CONFLUENCE_USERNAME, apiToken: confluenceToken }
          : undefined,
    },
    jira,
    sso: parseSso(env, { problems, take, list }, { google, atlassian: jira }, sandboxOn),
    egressAllowedHosts: list(env.EGRESS_ALLOWED_HOSTS),
    ...parseModels(env, { problems, take, url, wholeNumber }),
    originals: parseOriginals(env, { problems, take }),
    azureSearch: parseAzureSearch(env, { problems, take }),
    maxFileBytes: wholeNumber('MAX_FILE_BYTES', 268_435_456, 1, 17_179_869_184),
    importConcurrency: wholeNumber('IMPORT_CONCURRENCY', 8, 1, 64),
    mail: smtp && from && { ...smtp, from },
    webhook: hookUrl && hookSecrets ? { url: hookUrl, secrets: hookSecrets } : undefined,
    auditRetentionDays: wholeNumber('AUDIT_RETENTION_DAYS', 365, 1, 36_500),
    operations: parseOperations(env, { problems, take, wholeNumber }),
    tracing: parseTracing(env, { problems, take, url }),
    sandbox: sandboxOn ? { filesDir: env.SANDBOX_FILES } : undefined,
  };
  if (role !== 'all' && config.database.kind === 'embedded')
    problems.push(`ROLE: ${role} needs DATABASE_URL: one process owns the embedded database, so it must be all`);
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}
