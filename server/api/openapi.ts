import { z } from 'zod';
import { PLATFORMS } from '../../providers/provider.ts';
import { auditAnswer } from './audit.ts';
import type { Call } from './call.ts';
import { estimateAnswer } from './filter-schemas.ts';
import * as schemas from './schemas.ts';

type Json = Record<string, unknown>;

const { problemAnswer: problem, ...answers } = schemas;

/** What has a name of its own in the description: `ImportSummary` for importSummaryAnswer. */
const NAMED = Object.entries({ ...answers, auditAnswer, estimateAnswer, problem })
  .filter(([name]) => /(Answer|Request|problem)$/.test(name))
  .map(([name, schema]) => ({ name: name[0]!.toUpperCase() + name.slice(1).replace(/Answer$/, ''), schema }));

/**
 * The description of the API in OpenAPI 3.1, made of the schemas that check what comes in and of those that the answers are typed by.
 * Source: https://spec.openapis.org/oas/v3.1.1.html
 */
export function openApiOf(calls: Call[]): Json {
  const routes: Record<string, Json> = {};
  for (const call of calls) (routes[openPath(call.path)] ??= {})[call.method] = operationOf(call);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tributary',
      version: '1.0.0',
      description:
        'Everything that the pages of the hub can do. Send an API token as `Authorization: Bearer <token>`; one is made on the page "API tokens". ' +
        'Whatever is refused is answered as a problem (RFC 9457) with a `code` that does not change.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/api/v1' }],
    security: [{ token: [] }, { session: [] }],
    tags: [...new Set(calls.map(({ group }) => group))].map((name) => ({ name })),
    paths: routes,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An API token of a user.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'tributary',
          description:
            'The session of a signed-in browser; with https the cookie is `__Host-tributary`. Writes carry the token of its pages as `X-CSRF-Token`.',
        },
      },
      schemas: componentsOf(),
      headers: Object.fromEntries(
        Object.entries({ ...EVERY_ANSWER, ...TOO_MANY }).map(([name, description]) => [name, header(description)]),
      ),
      responses: {
        Problem: problemResponse('What was refused, why, and what to do about it', EVERY_ANSWER),
        TooManyCalls: problemResponse('Too many calls in a minute', { ...EVERY_ANSWER, ...TOO_MANY }),
      },
    },
  };
}

/** Those of an answer to somebody who is not known lack the limit, which is a user's. */
const EVERY_ANSWER = {
  'X-Request-ID': 'Names the request in the log',
  RateLimit: 'Calls that are left, and the seconds until there are more again',
  'RateLimit-Policy': 'How many calls a minute there are',
};
const TOO_MANY = { 'Retry-After': 'How many seconds to wait' };

const header = (description: string): Json => ({ description, schema: { type: 'string' } });

const sharedHeaders = (headers: Record<string, string>): Json =>
  Object.fromEntries(Object.keys(headers).map((name) => [name, { $ref: `#/components/headers/${name}` }]));

const problemResponse = (description: string, headers: Record<string, string>): Json => ({
  description,
  headers: sharedHeaders(headers),
  content: { 'application/problem+json': { schema: refTo('Problem') } },
});

/** A path of Express as OpenAPI writes it. */
export const openPath = (path: string): string => path.replace(/:(\w+)/g, '{$1}');

function operationOf(call: Call): Json {
  const { name, about, notes, group, query, body, orAs, forAdmins, headers = {}, answerHeaders = {} } = call;
  const inAnswers = {
    ...Object.fromEntries(Object.entries(answerHeaders).map(([one, description]) => [one, header(description)])),
    ...sharedHeaders(EVERY_ANSWER),
  };
  const inPath = [...call.path.matchAll(/:(\w+)/g)].map(([, value = '']) => ({
    name: value,
    in: 'path',
    required: true,
    description: PATH_VALUES[value] ?? 'Its id.',
    schema: { type: 'string' },
  }));
  const inHeaders = Object.entries(headers).map(([one, description]) => ({
    name: one,
    in: 'header',
    ...header(description),
  }));
  return {
    operationId: name,
    tags: [group],
    summary: about,
    description: [notes, forAdmins ? 'Admins only.' : undefined].filter(Boolean).join(' ') || undefined,
    parameters: [...inPath, ...(query ? queryParameters(query) : []), ...inHeaders],
    requestBody: body && { required: true, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    responses: {
      ...Object.fromEntries(
        Object.entries(call.answers).map(([status, answer]) => [
          status,
          'about' in answer
            ? {
                description: answer.about,
                headers: inAnswers,
                content: answer.mediaType && { [answer.mediaType]: {} },
              }
            : {
                description: about,
                headers: inAnswers,
                content: {
                  'application/json': { schema: schemaOf(answer, 'output') },
                  ...(orAs && { [orAs]: {} }),
                },
              },
        ]),
      ),
      429: { $ref: '#/components/responses/TooManyCalls' },
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

const PATH_VALUES: Record<string, string> = {
  platform: `One of ${PLATFORMS.join(', ')}.`,
  target: 'The id of an account, or the name of a service of which one account is connected.',
};

function queryParameters(query: z.ZodObject): Json[] {
  const { properties = {}, required = [] } = z.toJSONSchema(query, OPTIONS.input);
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = schema as Json;
    return { name, in: 'query', required: required.includes(name), description, schema: rest };
  });
}

const refTo = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

/** Members beside the named ones may come with a later version: a client is not to refuse them. */
function plain({ jsonSchema }: { jsonSchema: Json }, io: 'input' | 'output'): void {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
  // Of every whole number, for what JavaScript can count.
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
}

const OPTIONS = {
  input: { io: 'input', override: (at: { jsonSchema: Json }) => plain(at, 'input') },
  output: { io: 'output', override: (at: { jsonSchema: Json }) => plain(at, 'output') },
} as const;

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const named = NAMED.find((one) => one.schema === schema);
  if (named) return refTo(named.name);
  const { $schema: _, ...found } = z.toJSONSchema(schema, OPTIONS[io]);
  return found;
}

function componentsOf(): Json {
  const found: Json = {};
  for (const io of ['input', 'output'] as const) {
    const registry = z.registry<{ id: string }>();
    for (const { name, schema } of NAMED)
      if (name.endsWith('Request') === (io === 'input')) registry.add(schema, { id: name });
    const { schemas: made } = z.toJSONSchema(registry, { ...OPTIONS[io], uri: (id) => refTo(id).$ref as string });
    for (const [name, schema] of Object.entries(made)) {
      const { $schema: _, $id: __, ...rest } = schema;
      found[name] = rest;
    }
  }
  return found;
}
