/**
 * The errors a service throws on purpose. Each has a stable `code` for API callers, an HTTP status, and a `message` that is
 * a sentence for the person who caused it: what happened and what to do next. Invalid form input is a value, never one of these.
 */
export class AppError extends Error {
  readonly status: number;
  readonly code: string;
  /** Extra members of the problem+json answer; never secrets. */
  readonly details: Record<string, unknown>;

  constructor(
    status: number,
    code: string,
    message: string,
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.status = status;
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** Thrown when a row is missing or belongs to somebody else; the two cannot be told apart from outside. */
export class NotFoundError extends AppError {
  constructor(what: string) {
    super(404, 'not_found', `${what} was not found. It may have been deleted, or it belongs to somebody else.`);
  }
}

/** Thrown when the caller may not do this. */
export class ForbiddenError extends AppError {
  constructor(message: string, code = 'forbidden') {
    super(403, code, message);
  }
}

/** Thrown when a request cannot be carried out as sent, with a sentence that says how to send it. */
export class BadRequestError extends AppError {
  constructor(code: string, message: string, details: Record<string, unknown> = {}) {
    super(400, code, message, { details });
  }
}

/** Thrown when a body is well formed but its values are not acceptable. `errors` is one entry a field. */
export class InvalidInputError extends AppError {
  constructor(errors: { field: string; message: string }[], code = 'invalid_input') {
    super(422, code, errors.map((e) => e.message).join(' '), {
      details: { errors },
    });
  }
}

/** Thrown when what is asked for conflicts with the present state. */
export class ConflictError extends AppError {
  constructor(code: string, message: string) {
    super(409, code, message);
  }
}
