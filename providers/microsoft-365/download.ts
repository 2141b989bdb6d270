import { ProviderError } from '../errors.ts';
import type { Connection } from '../provider.ts';
import { readRefusal } from './failures.ts';

/**
 * Follows Graph's redirect to an address that needs no token, and gets none: the connection leaves it behind at the border of
 * an origin. Such an address ends within minutes and may be dead on arrival, so that a second one is asked for once.
 */
export async function download(connection: Connection, address: string, signal: AbortSignal): Promise<Response> {
  for (let last = false; ; last = true) {
    const response = await connection.fetch(address, { signal });
    if (response.ok) return response;
    const { error: failure, isGraphs } = await readRefusal(response);
    const isDeadLink = !isGraphs && [401, 403, 404, 410].includes(response.status) && failure.kind !== 'malware';
    if (isDeadLink && last)
      throw new ProviderError('transient', 'microsoft', 'The download address of Microsoft 365 was no longer valid.', {
        status: response.status,
      });
    if (!isDeadLink && failure.kind === 'denied' && response.status === 403)
      throw new ProviderError(
        'not_downloadable',
        'microsoft',
        'This account may see the file in Microsoft 365, but its owner does not let it be downloaded.',
        { status: response.status, requestId: failure.requestId },
      );
    if (!isDeadLink) throw failure;
  }
}
