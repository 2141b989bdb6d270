import type { Response } from 'express';

/** An answer in Jira's error shape. */
export class Refusal extends Error {
  readonly status: number;
  readonly messages: string[];

  constructor(status: number, ...messages: string[]) {
    super(messages.join(' '));
    this.status = status;
    this.messages = messages;
  }
}

export const badRequest = (...messages: string[]): Refusal => new Refusal(400, ...messages);
export const issueNotFound = (): Refusal =>
  new Refusal(404, 'Issue does not exist or you do not have permission to see it.');

/** Sends a refusal as an ErrorCollection; only of somebody who is not signed in Jira speaks otherwise. */
export function sendRefusal(res: Response, { status, message, messages }: Refusal): void {
  res
    .status(status)
    .json(status === 401 ? { message, 'status-code': status } : { errorMessages: messages, errors: {} });
}
