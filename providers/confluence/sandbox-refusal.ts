import type { Response } from 'express';

/** Confluence's refusals: the second version of its API has another shape than the first. */
export class Refusal extends Error {
  readonly status: number;
  /** As the second version names it. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What is missing, and what somebody may not see. */
export const notFound = (): Refusal => new Refusal(404, 'NOT_FOUND', 'Not Found');
export const badParameter = (name: string, value: string, expected: string): Refusal =>
  new Refusal(
    400,
    'INVALID_REQUEST_PARAMETER',
    `Provided value {${value}} for '${name}' is not the correct type. Expected ${expected}`,
  );
export const badRequest = (message: string): Refusal => new Refusal(400, 'INVALID_REQUEST', message);

export const sendV2 = (res: Response, { status, code, message }: Refusal): void =>
  void res.status(status).json({ errors: [{ status, code, title: message, detail: null }] });

export const sendV1 = (res: Response, { status, message }: Refusal): void =>
  void res.status(status).json({
    statusCode: status,
    data: { authorized: status !== 403, valid: status !== 400, errors: [], successful: false },
    message,
  });
