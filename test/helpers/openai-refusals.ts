import type { IncomingMessage } from 'node:http';

/** An error as OpenAI writes it. */
export type Refusal = { status: number; retryAfter?: string; code?: string; param?: string; message?: string };

export async function bodyOf(req: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

/** The key that was sent, as OpenAI or Azure OpenAI takes it. */
export const keyOf = ({ headers }: IncomingMessage): string | undefined =>
  headers.authorization ?? (headers['api-key'] as string | undefined);

/** What both refuse of any call: another address than `endpoint`, at OpenAI or as Azure's deployments have it, and another key. */
export function refusedCall(
  { method = 'GET', path, sent }: { method?: string; path: string; sent?: string },
  endpoint: string,
  key: string,
): Refusal | undefined {
  const isAzure = path.startsWith('/openai/deployments/');
  if (method !== 'POST' || !new RegExp(`^/(v1|openai/deployments/[^/]+)/${endpoint}(\\?|$)`).test(path))
    return { status: 404, message: `Invalid URL (${method} ${path})` };
  if (sent !== (isAzure ? key : `Bearer ${key}`))
    return { status: 401, code: 'invalid_api_key', message: `Incorrect API key provided: ${sent}.` };
  return undefined;
}

export const errorBody = ({ status, code, param, message = 'Try again.' }: Refusal) => ({
  error: {
    message,
    type: status >= 500 ? 'server_error' : 'invalid_request_error',
    param: param ?? null,
    code: code ?? null,
  },
});
