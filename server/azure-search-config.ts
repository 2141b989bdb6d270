import { z } from 'zod';
import type { Env } from './config.ts';
import { Secret } from './secret.ts';

/** An index at Azure AI Search. */
export type AzureSearchConfig = {
  /** Of the service, without a trailing slash. */
  endpoint: string;
  /** Absent: the identity that this machine or its environment has at Microsoft Entra ID. */
  apiKey?: Secret;
  index: string;
  /** Whether Azure's semantic ranker puts the best passages in order; it costs extra. */
  semanticRanker: boolean;
};

type Readers = {
  problems: string[];
  take: <T>(name: string, schema: z.ZodType<T>, fallback: T, hint: string) => T;
};

const DEFAULT_INDEX = 'tributary';
/** Source: https://learn.microsoft.com/rest/api/searchservice/naming-rules */
const INDEX_NAME = /^(?!.*(--|__))[a-z0-9][a-z0-9_-]{1,127}$/;

/** What the variables say of Azure AI Search; undefined for the index in the database. Every problem is added to `problems`. */
export function parseAzureSearch(env: Env, { problems, take }: Readers): AzureSearchConfig | undefined {
  const endpoint = take(
    'AZURE_SEARCH_ENDPOINT',
    z
      .url({ protocol: /^https?$/ })
      .refine((value) => new URL(value).pathname === '/' && new URL(value).username === '')
      .transform((value) => new URL(value).origin),
    undefined as string | undefined,
    'must be the address of the service without a path, for example https://example.search.windows.net',
  );
  const index = take(
    'AZURE_SEARCH_INDEX',
    z.string().regex(INDEX_NAME),
    DEFAULT_INDEX,
    `must have 2 to 128 lower-case letters, digits, and single hyphens or underscores, for example ${DEFAULT_INDEX}`,
  );
  const semanticRanker = take(
    'AZURE_SEARCH_SEMANTIC_RANKER',
    z.enum(['0', '1']).transform((value) => value === '1'),
    false,
    'must be 0 or 1',
  );
  const key = env.AZURE_SEARCH_API_KEY;
  if (key !== undefined && /\s/.test(key)) problems.push('AZURE_SEARCH_API_KEY: has a space or a line break in it');
  if (env.AZURE_SEARCH_ENDPOINT === undefined) {
    for (const name of ['AZURE_SEARCH_API_KEY', 'AZURE_SEARCH_INDEX', 'AZURE_SEARCH_SEMANTIC_RANKER'])
      if (env[name] !== undefined) problems.push(`${name}: needs AZURE_SEARCH_ENDPOINT`);
    return undefined;
  }
  if (endpoint?.startsWith('http:') && key === undefined)
    problems.push('AZURE_SEARCH_API_KEY: is needed where AZURE_SEARCH_ENDPOINT is not https');
  return endpoint === undefined
    ? undefined
    : { endpoint, apiKey: key === undefined ? undefined : new Secret(key), index, semanticRanker };
}
