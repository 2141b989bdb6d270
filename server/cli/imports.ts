import { importFilesRequest } from '../api/schemas.ts';
import { checked } from '../api/input.ts';
import { InvalidInputError } from '../errors.ts';
import { paths } from '../paths.ts';
import { importSentence } from '../api/import-wait.ts';
import { openDesk, type Account, type Desk, type Progress } from './desk.ts';
import { followImport, onInterrupt } from './follow.ts';
import { sentenceOf } from './accounts.ts';
import { CommandError, UsageError, type Flags, type Io, type Result } from './io.ts';
import { outcomeLines } from './progress.ts';

/** What was begun: an import, or the sync of an account. */
type Begun = { account: Account; importId: string };

const NO_ACCOUNT = 'No account is connected yet. Connect one on the page “Integrations” of the hub.';

/** `import`: brings files and folders of one account in. Errors: UsageError, CommandError, AppError. */
export async function importFiles(io: Io, flags: Flags, [target, ...fileIds]: string[]): Promise<Result> {
  if (target === undefined)
    throw new UsageError('The account is missing: a service such as google_drive, or the id of an account.');
  if (fileIds.length === 0) throw new UsageError('The ids of files or folders are missing.');
  const body = asUsage(() =>
    checked(importFilesRequest, {
      fileIds,
      category: flags.category,
      recursive: flags['no-recursive'] !== true,
      includeChildren: flags.children === true,
      includeAttachments: flags.attachments === true,
    }),
  );
  return withDesk(io, flags, async (desk) => {
    const account = only(target, matching(target, await desk.accounts()));
    const begun = [{ account, importId: await desk.import(account.id, body) }];
    return follow(io, flags, desk, begun, ([told]) => ({ ...told }));
  });
}

/** `sync`: brings what is followed of one account, or of all, up to date. Errors: UsageError, CommandError, AppError. */
export async function syncAccounts(io: Io, flags: Flags, [target, ...others]: string[]): Promise<Result> {
  if (others.length > 0) throw new UsageError('Name one account or service, or none for all.');
  return withDesk(io, flags, async (desk) => {
    const accounts = await desk.accounts();
    const chosen = target === undefined ? accounts : matching(target, accounts);
    if (chosen.length === 0) throw new CommandError(NO_ACCOUNT);
    const begun: Begun[] = [];
    const refused: { account: Account; sentence: string }[] = [];
    for (const account of chosen) {
      try {
        begun.push({ account, importId: await desk.sync(account.id) });
      } catch (error) {
        const sentence = sentenceOf(error);
        if (sentence === undefined || chosen.length === 1) throw error;
        refused.push({ account, sentence });
      }
    }
    for (const { account, sentence } of refused) io.stderr.write(`${nameOf(account)}: ${sentence}\n`);
    const result = await follow(io, flags, desk, begun, (syncs) => ({
      success: refused.length === 0 && syncs.every(({ success }) => success !== false),
      syncs,
      refused: refused.map(({ account, sentence }) => ({ ...placeOf(account), error: sentence })),
    }));
    return { ...result, failed: result.failed || refused.length > 0 };
  });
}

async function withDesk(
  io: Io,
  flags: Flags,
  work: (desk: Desk & { baseUrl: string }) => Promise<Result>,
): Promise<Result> {
  const { config, ...desk } = await openDesk(io, flags, flags['no-wait'] ? 'begin' : 'work');
  try {
    return await work({ ...desk, baseUrl: config.baseUrl });
  } finally {
    await desk.close();
  }
}

/** Follows what was begun to its end, one after the other, and tells what became of it. */
async function follow(
  io: Io,
  flags: Flags,
  desk: Desk & { baseUrl: string },
  begun: Begun[],
  toJson: (told: Record<string, unknown>[]) => Record<string, unknown>,
): Promise<Result> {
  const urlOf = (importId: string) => desk.baseUrl + paths.import(importId);
  const json = (one: Begun, progress?: Progress) => ({
    ...placeOf(one.account),
    importId: one.importId,
    url: urlOf(one.importId),
    ...(progress ? toldOf(progress) : { status: 'running' }),
  });
  if (flags['no-wait'])
    return {
      lines: begun.map(({ account, importId }) => `Begun for ${nameOf(account)}: ${urlOf(importId)}`),
      note: desk.worker === 'nobody' ? 'No hub is running: it is carried out once one runs.' : undefined,
      json: toJson(begun.map((one) => json(one))),
    };
  const interrupt = onInterrupt();
  try {
    const lines: string[] = [];
    const told: Record<string, unknown>[] = [];
    let well = true;
    for (const one of begun) {
      const label = nameOf(one.account);
      const options = { label, quiet: flags.json === true, signal: interrupt.signal };
      const progress = await followImport(io, desk, one.importId, options);
      if (!progress)
        return {
          lines: [],
          note: `${goesOn(desk)} Follow or cancel it: ${begun.map(({ importId }) => urlOf(importId)).join(' ')}`,
          json: toJson(begun.map((each) => json(each))),
          interrupted: true,
        };
      const { success } = toldOf(progress);
      well &&= success;
      const prefix = begun.length > 1 ? `${label}: ` : '';
      const [first = '', ...rest] = outcomeLines(progress, urlOf(one.importId));
      lines.push(prefix + first, ...rest);
      told.push(json(one, progress));
    }
    return { lines, json: toJson(told), failed: !well };
  } finally {
    interrupt.release();
  }
}

const goesOn = ({ worker }: Desk): string =>
  worker === 'this'
    ? 'Stopped. What is not done yet is done once a hub runs.'
    : 'No longer followed: the import goes on without this command.';

const toldOf = ({ import: found, failed }: Progress) => ({
  success: found.status === 'finished' && found.counts.failed === 0,
  kind: found.kind,
  status: found.status,
  held: found.held,
  message: importSentence(found),
  counts: found.counts,
  failed: failed.map(({ name, path, reason }) => ({ name, path, reason })),
});

const placeOf = ({ id, platform }: Account) => ({ integrationId: id, platform });

const nameOf = ({ platform, accountEmail, accountName, accountId }: Account): string =>
  `${platform} (${accountEmail ?? accountName ?? accountId})`;

/** The accounts that a service or an id names. Errors: CommandError with those there are. */
function matching(target: string, accounts: Account[]): Account[] {
  const found = accounts.filter(({ id, platform }) => id === target || platform === target);
  if (found.length > 0) return found;
  const known = accounts.map((account) => `${account.id}  ${nameOf(account)}`);
  throw new CommandError(
    known.length === 0 ? NO_ACCOUNT : `No connected account is called “${target}”. There are:\n${known.join('\n')}`,
  );
}

/** Errors: CommandError where a service names several accounts. */
function only(target: string, [first, ...others]: Account[]): Account {
  if (!first || others.length > 0)
    throw new CommandError(
      `Several accounts of ${target} are connected. Name one by its id:\n${[first, ...others]
        .flatMap((account) => (account ? `${account.id}  ${nameOf(account)}` : []))
        .join('\n')}`,
    );
  return first;
}

/** What a check refuses of the arguments is a wrong call. */
export function asUsage<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof InvalidInputError ? new UsageError(error.message) : error;
  }
}
