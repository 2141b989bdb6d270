/**
 * How requests reach Dropbox. Calls that answer with data go through the `dropbox` SDK, whose hosts are fixed to https: its fetch
 * is the connection's, with the configured host put in place of the SDK's. Downloads and exports go without the SDK, which reads
 * whole files into memory, and so do the token calls (auth.ts), where it drops the PKCE verifier and puts the secret into the URL.
 */
import { Dropbox } from 'dropbox';
import type { DropboxConfig } from '../../server/config.ts';
import type { Connection } from '../provider.ts';
import { isPage } from '../streams.ts';
import { badResponse, failedAnswer, MovedRootError, notJson, toProviderError } from './failures.ts';

const SDK_API = 'https://api.dropboxapi.com/2/';

/** One account, seen from its own Dropbox or from a team space. */
export type Seat = { connection: Connection; space?: string; signal?: AbortSignal };

export type Client = {
  /** Runs one call of the SDK. `what` completes "Dropbox answered …". Errors: ProviderError. */
  call(seat: Seat, what: string, run: (sdk: Dropbox) => Promise<{ result: unknown }>): Promise<unknown>;
  /** `result` is the metadata that comes in a header beside the bytes. Errors: ProviderError. */
  content<T>(
    seat: Seat,
    call: { what: string; route: 'files/download' | 'files/export'; parse: (result: unknown) => T },
    arg: Record<string, string>,
  ): Promise<{ body: ReadableStream<Uint8Array>; result: T }>;
};

export function createClient(config: DropboxConfig): Client {
  return {
    async call({ connection, space, signal }, what, run) {
      const sdk = new Dropbox({
        fetch: (url: string, init: RequestInit) =>
          connection.fetch(url.startsWith(SDK_API) ? `${config.apiUrl}/2/${url.slice(SDK_API.length)}` : url, {
            ...init,
            signal,
          }),
        pathRoot: space === undefined ? undefined : pathRoot(space),
      });
      let result: unknown;
      try {
        ({ result } = await run(sdk));
      } catch (error) {
        throw toProviderError(error);
      }
      if (typeof result === 'string') throw notJson(what);
      return result;
    },

    async content({ connection, space, signal }, { what, route, parse }, arg) {
      let response: Response;
      try {
        response = await connection.fetch(`${config.contentUrl}/2/${route}`, {
          method: 'POST',
          headers: {
            'Dropbox-API-Arg': headerJson(arg),
            ...(space === undefined ? {} : { 'Dropbox-API-Path-Root': pathRoot(space) }),
          },
          signal,
        });
      } catch (error) {
        throw toProviderError(error);
      }
      if (!response.ok) throw await failedAnswer(response);
      try {
        const { body } = response;
        if (!body) throw badResponse(what, 'body');
        return { body, result: parse(resultOf(response, what)) };
      } catch (error) {
        await response.body?.cancel();
        throw error;
      }
    },
  };
}

/** Errors: ProviderError `transient` for a page of something in between, `bad_response` for bytes without their metadata. */
function resultOf(response: Response, what: string): unknown {
  try {
    return JSON.parse(response.headers.get('dropbox-api-result') ?? '');
  } catch {
    throw isPage(response) ? notJson(what) : badResponse(what, 'dropbox-api-result');
  }
}

/**
 * Runs `work` in a team space, and once more in the one that Dropbox names when the account's has changed. Without a space it
 * runs in the account's own Dropbox. Errors: those of `work`; MovedRootError when the account has no team space any more.
 */
export async function inSpace<T>(
  space: string | undefined,
  work: (space: string | undefined) => Promise<T>,
): Promise<T> {
  try {
    return await work(space);
  } catch (error) {
    if (!(error instanceof MovedRootError) || error.root === '' || error.root === space) throw error;
    return work(error.root);
  }
}

/** `root` and not `namespace_id`: Dropbox then says when the account's root has become another. */
function pathRoot(space: string): string {
  return headerJson({ '.tag': 'root', root: space });
}

/** JSON in ASCII, as headers carry it. Source: https://www.dropbox.com/developers/reference/json-encoding (2026). */
export function headerJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
