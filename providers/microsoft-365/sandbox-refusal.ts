import { randomUUID } from 'node:crypto';
import type { Response } from 'express';

/** An answer in Graph's error shape; `inner` is the code nearest to the cause. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly inner?: string;

  constructor(status: number, code: string, message: string, inner?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.inner = inner;
  }
}

export const notFound = (): Refusal => new Refusal(404, 'itemNotFound', 'The resource could not be found.');
export const badRequest = (message: string): Refusal => new Refusal(400, 'BadRequest', message);

/** Graph's body for an error; also used for what goes wrong outside of the API's own routes. */
export function sendRefusal(res: Response, { status, code, message, inner }: Omit<Refusal, 'name'>): void {
  const id = randomUUID();
  const date = new Date().toISOString().replace(/\.\d+Z$/, '');
  if (status === 401) res.set('www-authenticate', 'Bearer realm="", error="invalid_token"');
  res
    .status(status)
    .set('request-id', id)
    .json({
      error: {
        code,
        message,
        innerError: { ...(inner ? { code: inner } : {}), date, 'request-id': id, 'client-request-id': id },
      },
    });
}
