import { Readable } from 'node:stream';
import type { ProviderError } from './errors.ts';

/**
 * The bytes of an answer as they come; none for an empty one. Destroying the stream ends the answer at the vendor too, read or not.
 * Errors of the stream: the ProviderError that `toProviderError` makes of a line that breaks; the signal's reason when it is aborted.
 */
export function bodyStream(
  body: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
  toProviderError: (error: unknown) => ProviderError,
): Readable {
  const reader = body?.getReader();
  const next = async (stream: Readable): Promise<void> => {
    try {
      const { value } = (await reader?.read()) ?? {};
      if (!stream.destroyed) stream.push(value ?? null);
    } catch (error) {
      stream.destroy(signal.aborted ? (signal.reason as Error) : toProviderError(error));
    }
  };
  return new Readable({
    read() {
      void next(this);
    },
    // At once, though a read may be waiting for bytes that never come. A line that is broken already cannot be ended.
    destroy(error, done) {
      reader?.cancel().catch(() => undefined);
      done(error);
    },
  });
}

/** Whether an answer is a page of HTML, which no vendor sends where data is expected: it comes from something in between. */
export const isPage = ({ headers }: Response): boolean => /^text\/html/i.test(headers.get('content-type') ?? '');
