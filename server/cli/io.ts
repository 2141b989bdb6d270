import type { Readable, Writable } from 'node:stream';
import type { Env } from '../config.ts';

/** What a command reads and writes; the terminal in the real program, buffers in tests. */
export type Io = { env: Env; stdin: Readable; stdout: Writable; stderr: Writable };

/** Thrown when a command was called in a wrong way: exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Thrown when a command could not do its work: exit code 1. The message says what to do. */
export class CommandError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CommandError';
  }
}

/** A command's result: for people line by line on standard output, with `--json` as one object. */
export type Result = {
  lines: string[];
  /** Said to the person on standard error, so that standard output holds the result alone. */
  note?: string;
  json: Record<string, unknown>;
  failed?: boolean;
  /** Ctrl-C came before the end. */
  interrupted?: boolean;
};

export type Flags = Record<string, string | boolean | undefined>;

/** The value of an option that must be there. Errors: UsageError. */
export function required(flags: Flags, name: string): string {
  const value = flags[name];
  if (typeof value !== 'string' || value.trim() === '') throw new UsageError(`--${name} is missing.`);
  return value.trim();
}
