import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { createApi } from '../../server/api/index.ts';
import { openApiOf } from '../../server/api/openapi.ts';
import type { Context } from '../../server/context.ts';

type Responses = Record<string, { content?: Record<string, { schema?: unknown }> }>;
type Call = { method: string; pattern: RegExp; pointer: string; responses: Responses };

const ROOT = '/api/v1';
const ID = 'https://hub.example.com/openapi.json';
const PROBLEM = 'application/problem+json';
/** What counts against no user: nobody is known, a page of another site may have sent it, or it cannot even be read. */
const REFUSED_AT_THE_DOOR = new Set(['unauthenticated', 'csrf', 'bad_request']);

/** What `fetch` is without the checks. */
const plainFetch = globalThis.fetch;
const origins = new Set<string>();
let calls: Call[] | undefined;
let ajv: Ajv2020 | undefined;

/**
 * From now on every answer that `fetch` gets from this hub's API is compared with the description of the API, whoever asks: status, media type and body.
 * A call, a status or a member that is not described is a fault. Errors, of `fetch`: Error that names the call and what is wrong with its answer.
 */
export function checkAnswersOf(origin: string): void {
  origins.add(origin);
  globalThis.fetch = async (...asked) => {
    const response = await plainFetch(...asked);
    const { origin: from, pathname } = new URL(response.url);
    const method = (asked[1]?.method ?? (asked[0] instanceof Request ? asked[0].method : 'GET')).toUpperCase();
    // Headers that are too large never reach the hub: Node refuses them by itself.
    if (response.status === 431) return response;
    if (!origins.has(from) || !pathname.startsWith(`${ROOT}/`) || method === 'OPTIONS') return response;
    const faults = await faultsOf(method, pathname.slice(ROOT.length), response);
    if (faults.length > 0)
      throw new Error(
        `${method} ${pathname} answered ${response.status}, against its description: ${faults.join('; ')}`,
      );
    return response;
  };
}

async function faultsOf(method: string, path: string, response: Response): Promise<string[]> {
  const { status, headers } = response;
  const type = (headers.get('content-type') ?? '').split(';')[0] ?? '';
  const faults = headers.get('x-request-id') ? [] : ['X-Request-ID is missing'];
  if (status >= 400) {
    if (type !== PROBLEM) return [...faults, `${type} is no problem`];
    const problem = (await response.clone().json()) as { code?: string };
    if (!REFUSED_AT_THE_DOOR.has(problem.code ?? '')) faults.push(...limitFaults(headers));
    if (status === 429 && !headers.get('retry-after')) faults.push('Retry-After is missing');
    return [...faults, ...bodyFaults('/components/schemas/Problem', problem)];
  }
  calls ??= describedCalls();
  const asked = method === 'HEAD' ? 'get' : method.toLowerCase();
  const call = calls.find((one) => one.method === asked && one.pattern.test(path));
  if (!call) return [...faults, 'the call is not described'];
  const described = call.responses[status];
  if (!described) return [...faults, 'the status is not described'];
  const { content } = described;
  if (type === '') return content && method !== 'HEAD' ? [...faults, 'a body is described'] : faults;
  if (!content) return status < 300 ? [...faults, `no body is described, ${type} came`] : faults;
  // The media type of a file is its own.
  if (!content[type] && !content['application/octet-stream']) return [...faults, `${type} is not described`];
  if (status < 300) faults.push(...limitFaults(headers));
  if (!content[type]?.schema || method === 'HEAD') return faults;
  const pointer = `${call.pointer}/responses/${status}/content/${escaped(type)}/schema`;
  return [...faults, ...bodyFaults(pointer, await response.clone().json())];
}

const limitFaults = (headers: Headers): string[] =>
  ['ratelimit', 'ratelimit-policy'].flatMap((name) => (headers.get(name) ? [] : [`${name} is missing`]));

function bodyFaults(pointer: string, body: unknown): string[] {
  ajv ??= compiler();
  // Compiled when it is first asked for.
  const validate = ajv.getSchema(`${ID}#${pointer}`) as ValidateFunction | undefined;
  if (!validate) return [`${pointer} is no schema`];
  if (validate(body)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

const description = () => openApiOf(createApi({} as Context).calls);

function compiler(): Ajv2020 {
  const made = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(made);
  return made.addSchema({ $id: ID, ...(closed(description()) as object) });
}

/** Members that are not described are faults here, though clients have to let them pass. */
function closed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(closed);
  const members = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, closed(member)]));
  return members.type === 'object' && members.properties ? { additionalProperties: false, ...members } : members;
}

function describedCalls(): Call[] {
  const { paths } = description() as { paths: Record<string, Record<string, { responses: Responses }>> };
  return (
    Object.entries(paths)
      .flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, { responses }]) => ({
          method,
          pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
          pointer: `/paths/${escaped(path)}/${method}`,
          responses,
          values: path.split('{').length,
        })),
      )
      // `/imports/estimate` before `/imports/{id}`.
      .sort((one, other) => one.values - other.values)
  );
}

/** Of a JSON pointer in the fragment of an address. */
const escaped = (name: string): string => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));
