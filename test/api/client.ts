import { expect } from 'chai';
import type { z } from 'zod';
import * as schemas from '../../server/api/schemas.ts';
import type { User } from '../../server/services/user-service.ts';
import type { TestHub } from '../helpers/hub.ts';

/** An id that no row has. */
export const NOWHERE = '99999999-9999-4999-8999-999999999999';

export type CallOptions = { body?: unknown; headers?: Record<string, string>; user?: User };
export type Client = {
  /** A call with the API token of the user (the admin). `body` is sent as JSON. Redirects are not followed. */
  call: (method: string, route: string, options?: CallOptions) => Promise<Response>;
  tokenOf: (user: User) => string;
};

/** A caller of the hub's JSON API. */
export async function openClient(hub: TestHub): Promise<Client> {
  const tokens = new Map<string, string>();
  for (const user of [hub.admin, hub.member]) tokens.set(user.id, await hub.token(user));
  const tokenOf = (user: User) => tokens.get(user.id) ?? '';
  return {
    tokenOf,
    call(method, route, options = {}) {
      const headers = new Headers({ accept: 'application/json', ...options.headers });
      headers.set('authorization', `Bearer ${tokenOf(options.user ?? hub.admin)}`);
      if (options.body !== undefined) headers.set('content-type', 'application/json');
      return fetch(`${hub.url}/api/v1${route}`, {
        method,
        headers,
        redirect: 'manual',
        body: options.body === undefined ? undefined : JSON.stringify(options.body),
      });
    },
  };
}

/** The answer, which must have the status and fit its schema. */
export async function answer<S extends z.ZodType>(response: Response, status: number, schema: S): Promise<z.output<S>> {
  const text = await response.text();
  expect(response.status, text).to.equal(status);
  const kept = /\/api\/v1\/documents(\/[^/]+)?$/.test(new URL(response.url).pathname);
  expect(response.headers.get('cache-control')).to.match(kept ? /^private, no-cache$/ : /\bno-store\b/);
  return schema.parse(JSON.parse(text));
}

/** The problem (RFC 9457), which must have the status and code. */
export async function problem(
  response: Response,
  status: number,
  code: string,
): Promise<z.output<typeof schemas.problemAnswer>> {
  expect(response.headers.get('content-type')).to.match(/^application\/problem\+json/);
  const found = schemas.problemAnswer.parse(await response.json());
  expect(found).to.include({ status, code });
  expect(response.status).to.equal(status);
  expect(found.requestId).to.equal(response.headers.get('x-request-id'));
  return found;
}
