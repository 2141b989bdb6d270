import { z } from 'zod';
import * as schemas from '../api/schemas.ts';
import type { Desk, DeskRequest } from './desk.ts';
import { CommandError } from './io.ts';

/** A request takes this long at most. */
const TIMEOUT_MS = 60_000;

/** The desk behind the JSON API of the running hub at BASE_URL. Errors: CommandError without a token. */
export async function openApiDesk({ config, token }: DeskRequest): Promise<Desk> {
  const { baseUrl } = config;
  if (token === undefined)
    throw new CommandError(
      `The embedded database in ${config.dataDir} is open in a running hub, so this goes through that hub at ${baseUrl} and needs an API token. ` +
        `Make one at ${baseUrl}/admin/tokens, and put it into TRIBUTARY_TOKEN.`,
    );

  async function call<S extends z.ZodType>(
    method: string,
    path: string,
    answer: S,
    body?: unknown,
  ): Promise<z.output<S>> {
    const response = await fetch(`${baseUrl}/api/v1${path}`, {
      method,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      // A token is not handed on to another address.
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: unknown) => {
      throw new CommandError(
        `The hub does not answer at ${baseUrl}. Set BASE_URL to its address, as the hub itself has it.`,
        { cause: error },
      );
    });
    const told: unknown = await response.json().catch(() => undefined);
    if (!response.ok) {
      const problem = schemas.problemAnswer.safeParse(told);
      throw new CommandError(
        problem.success
          ? problem.data.detail
          : `What answers at ${baseUrl} is no hub (${response.status}). Set BASE_URL to its address.`,
      );
    }
    const parsed = answer.safeParse(told);
    if (!parsed.success) throw new CommandError(`What answers at ${baseUrl} is no hub of this version.`);
    return parsed.data;
  }

  const begun = z.object({ importId: z.uuid() });
  return {
    worker: 'hub',
    async accounts() {
      const { integrations } = await call('GET', '/integrations', schemas.integrationsAnswer);
      return integrations.filter((one) => one.connected);
    },
    import: async (id, body) => (await call('POST', `/integrations/${id}/import`, begun, body)).importId,
    sync: async (id) => (await call('POST', `/integrations/${id}/sync`, begun)).importId,
    async progress(id) {
      const { items, ...rest } = await call('GET', `/imports/${id}?state=failed`, schemas.importAnswer);
      return { import: rest, failed: items };
    },
    search: (body) => call('POST', '/search', schemas.searchAnswer, body),
    close: async () => undefined,
  };
}
