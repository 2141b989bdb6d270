import type { z } from 'zod';
import { toImportItem, toImportSummary, toIntegration, toSearch } from '../api/answers.ts';
import { withoutNulls } from '../api/input.ts';
import type * as schemas from '../api/schemas.ts';
import { createContext, type Context } from '../context.ts';
import { migrate, openDatabase } from '../database/open.ts';
import { startHub, type Hub } from '../hub.ts';
import { createLogger } from '../logger.ts';
import type { User } from '../services/user-service.ts';
import { prepareStart } from '../start.ts';
import { isAnyoneWorking } from '../stores/activity-store.ts';
import type { Desk, DeskRequest } from './desk.ts';
import { CommandError } from './io.ts';

/** Jobs in hand may take so long to end when the command stops, before they are left to others. */
const STOP_MS = 2000;

/**
 * The desk in the database of the configuration. On a server, hubs and workers carry out what it begins; with the embedded one this process does.
 * Errors: DataDirInUseError, CommandError.
 */
export async function openOwnDesk(request: DeskRequest): Promise<Desk> {
  const { io, config, use } = request;
  const logger = createLogger({ logLevel: 'error' }, io.stderr);
  const database = await openDatabase(config);
  const embedded = config.database.kind === 'embedded';
  let hub: Hub | undefined;
  let stopSandbox: (() => Promise<void>) | undefined;
  let context: Context | undefined;

  /** All that a worker is, with the stand-ins of the vendors where they are asked for. */
  async function beginWork(): Promise<void> {
    const { config: prepared, sandbox } = await prepareStart(io.env);
    stopSandbox = sandbox && (() => sandbox.close());
    hub = await startHub({ ...prepared, role: 'worker', redisUrl: undefined }, { logger, database });
  }

  async function close(): Promise<void> {
    await context?.queue.stop({ timeoutMs: STOP_MS });
    await context?.close();
    await hub?.close();
    await stopSandbox?.();
    await database.close();
  }

  async function open(): Promise<Context> {
    if (use === 'work' && embedded) {
      await beginWork();
      if (hub) return hub.context;
    }
    await migrate(database);
    context = await createContext({ ...config, redisUrl: undefined }, { logger, database });
    // Writing a job needs the queue's tables; no worker is registered, so none is taken.
    if (use !== 'read') await context.queue.start();
    return context;
  }

  try {
    const { imports, integrations, syncs, search, ...services } = await open();
    const user = await userOf(services, request);
    return {
      worker: hub ? 'this' : embedded ? 'nobody' : 'workers',
      accounts: async () => (await integrations.list(user)).map(toIntegration),
      import: async (integrationId, body) => (await imports.create(user, toInput(integrationId, body))).id,
      sync: async (integrationId) => (await syncs.start(user, integrationId)).id,
      async progress(id) {
        const found = await imports.get(user, id, { state: 'failed' });
        return { import: toImportSummary(found), failed: found.items.map(toImportItem) };
      },
      async search(body) {
        let notice: string | undefined;
        const found = await search.search(user, {
          ...withoutNulls(body),
          onWordsOnly: (sentence) => (notice = sentence),
        });
        return toSearch(found, notice);
      },
      helpers: embedded ? undefined : { isAnyoneWorking: () => isAnyoneWorking(database.current()), beginWork },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const toInput = (
  integrationId: string,
  { fileIds, category, filters, ...scope }: z.output<typeof schemas.importFilesRequest>,
) => ({
  items: fileIds.map((ref) => ({ integrationId, ref })),
  category: category ?? undefined,
  filters: filters ?? undefined,
  ...scope,
});

/** For whom the command acts. Errors: CommandError that says how to name one. */
async function userOf(
  { users, tokens }: Pick<Context, 'users' | 'tokens'>,
  { token, email }: DeskRequest,
): Promise<User> {
  if (token !== undefined) {
    const user = await tokens.authenticate(token);
    if (!user) throw new CommandError('The API token is not known, has expired, or its user is disabled.');
    return user;
  }
  const all = await users.list();
  const active = all.filter(({ disabledAt }) => !disabledAt);
  if (email !== undefined) {
    const found = all.find((one) => one.email.toLowerCase() === email.trim().toLowerCase());
    if (!found) throw new CommandError(`There is no user ${email}.`);
    if (found.disabledAt) throw new CommandError(`The user ${email} is disabled.`);
    return found;
  }
  if (active.length === 0)
    throw new CommandError(
      'There is no user yet. Create one: npm run hub -- user create --email you@example.com --name "Your name" --role admin',
    );
  const admins = active.filter(({ role }) => role === 'admin');
  const [only, another] = active.length === 1 ? active : admins;
  if (!only || another)
    throw new CommandError(
      'There are several users. Say for whom: --email E, or an API token of theirs in TRIBUTARY_TOKEN.',
    );
  return only;
}
