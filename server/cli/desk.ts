import type { z } from 'zod';
import type * as schemas from '../api/schemas.ts';
import { parseConfig, type Config } from '../config.ts';
import { DataDirInUseError } from '../database/data-dir-lock.ts';
import { withDevSecrets } from '../dev-secrets.ts';
import { openApiDesk } from './desk-api.ts';
import { CommandError, type Flags, type Io } from './io.ts';

export type Account = z.output<typeof schemas.integrationAnswer>;
export type Progress = {
  import: z.output<typeof schemas.importSummaryAnswer>;
  /** Those that failed, a page at most. */
  failed: z.output<typeof schemas.importItemAnswer>[];
};

/** What commands do for one user: in the database beside running hubs, or through a running hub. Both give what the JSON API answers. */
export type Desk = {
  accounts(): Promise<Account[]>;
  /** Gives the id of the import. Errors: AppError or CommandError with the sentence of the hub. */
  import(integrationId: string, body: z.output<typeof schemas.importFilesRequest>): Promise<string>;
  /** The same of a sync. */
  sync(integrationId: string): Promise<string>;
  progress(importId: string): Promise<Progress>;
  search(body: z.output<typeof schemas.searchRequest>): Promise<z.output<typeof schemas.searchAnswer>>;
  /** Who carries imports out: this process, a running hub, workers that may run beside it, or nobody before a hub starts. */
  worker: 'this' | 'hub' | 'workers' | 'nobody';
  /** Of workers beside it: whether any has something in hand; and makes this process one of them. */
  helpers?: { isAnyoneWorking(): Promise<boolean>; beginWork(): Promise<void> };
  close(): Promise<void>;
};

/** What the command is going to do: read, begin imports, or begin them and carry them out where nobody else would. */
export type DeskUse = 'read' | 'begin' | 'work';
export type DeskRequest = { io: Io; config: Config; token?: string; email?: string; use: DeskUse };

/**
 * Opens the desk of the user whom the token or `--email` names, or of the only one there is. The embedded database is opened if no hub has it open; else
 * the command goes through that hub. Errors: ConfigError; CommandError.
 */
export async function openDesk(io: Io, flags: Flags, use: DeskUse): Promise<Desk & { config: Config }> {
  const { config } = withDevSecrets(parseConfig(io.env));
  const token = typeof flags.token === 'string' ? flags.token : io.env.TRIBUTARY_TOKEN;
  const email = typeof flags.email === 'string' ? flags.email : undefined;
  if (token !== undefined && email !== undefined)
    throw new CommandError('A token names its user already: leave out --email, or take the token away.');
  const request: DeskRequest = { io, config, token, email, use };
  try {
    // All parts of the hub, which a wrong call need not wait for.
    const { openOwnDesk } = await import('./desk-own.ts');
    return { ...(await openOwnDesk(request)), config };
  } catch (error) {
    if (!(error instanceof DataDirInUseError)) throw error;
    return { ...(await openApiDesk(request)), config };
  }
}
