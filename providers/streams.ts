import { Readable } from 'node:stream';
import type { ProviderError } from './errors.ts';

/**
 * The bytes of an answer as they come; none for an empty one. Errors of the stream: the ProviderError that `toProviderError` makes of a
 * line that breaks; the signal's reason when it is aborted.
 */
export function bodyStream(
  body: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
  toProviderError: (error: unknown) => ProviderError,
): Readable {
  const bytes = async function* (): AsyncGenerator<Uint8Array> {
    try {
      if (body) yield* body as unknown as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw signal.aborted ? signal.reason : toProviderError(error);
    }
  };
  return Readable.from(bytes(), { objectMode: false });
}

/** Whether an answer is a page of HTML, which no vendor sends where data is expected: it comes from something in between. */
export const isPage = ({ headers }: Response): boolean => /^text\/html/i.test(headers.get('content-type') ?? '');
