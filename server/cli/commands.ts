import { createToken, createUser } from './accounts.ts';
import { backup, restore } from './backup.ts';
import { withDatabase } from './database.ts';
import { importFiles, syncAccounts } from './imports.ts';
import type { Flags, Io, Result } from './io.ts';
import { forget, generateKeys, rotate } from './keys.ts';
import { pruneOriginals } from './originals.ts';
import { searchDocuments } from './search.ts';

/** `value`: what stands for its value in the help; absent for a switch. */
export type Option = { value?: string; about: string };
export type Command = {
  about: string;
  /** Arguments without an option in front, as the help writes them; absent where there are none. */
  takes?: string;
  /** What else is to be known, in lines. */
  notes?: string[];
  options: Record<string, Option>;
  run(io: Io, flags: Flags, words: string[]): Promise<Result>;
};

/** For whom a command acts. */
const WHO: Record<string, Option> = {
  email: { value: 'E', about: 'the user for whom; the only one, or the only admin, where nothing is said' },
  token: {
    value: 'T',
    about: 'an API token of the user instead; better in TRIBUTARY_TOKEN, where others do not see it',
  },
};
const WAIT: Record<string, Option> = { 'no-wait': { about: 'end as soon as it has begun' } };
const ACCOUNT =
  'The account is a service (google_drive, microsoft, dropbox, confluence, jira) or, where several are connected, its id.';
const PLACE = [
  'On a Postgres server it works beside running hubs, whose workers do the work; where none does, the command does it itself.',
  'With the embedded database it goes through the running hub at BASE_URL, with an API token in TRIBUTARY_TOKEN; where none',
  'runs, it opens the database and does the work itself.',
];
const FOLLOWING = ['Ctrl-C stops following; the import goes on, and its page, which is named then, cancels it.'];

/** Every command by its name. */
export const COMMANDS: Record<string, Command> = {
  // The checker loads every part of the hub; the other commands need not wait for that.
  check: {
    about: 'says of every variable and service whether it is right and what to do if not',
    options: {},
    run: async (io) => (await import('./check.ts')).check(io),
  },
  migrate: {
    about: 'brings the database’s schema up to date',
    options: {},
    run: (io) =>
      withDatabase(io, async (_database, _config, applied) => ({
        lines: applied.length > 0 ? applied.map((name) => `Applied ${name}.`) : ['The schema is up to date.'],
        json: { applied },
      })),
  },
  import: {
    about: 'imports files and folders of an account, and follows the import',
    takes: '<account> <file id…>',
    notes: [
      ACCOUNT,
      'Ids of files and folders are those that GET /api/v1/integrations/{target}/files gives.',
      ...PLACE,
      ...FOLLOWING,
    ],
    options: {
      category: { value: 'C', about: 'the category of the documents' },
      'no-recursive': { about: 'only the files right inside of folders' },
      children: { about: 'sub-pages of pages too' },
      attachments: { about: 'attachments and comments too' },
      ...WAIT,
      ...WHO,
    },
    run: importFiles,
  },
  sync: {
    about: 'brings what was imported of an account, or of all accounts, up to date',
    takes: '[account]',
    notes: [ACCOUNT, ...PLACE, ...FOLLOWING],
    options: { ...WAIT, ...WHO },
    run: syncAccounts,
  },
  search: {
    about: 'finds passages in the documents of a user',
    takes: '<words…>',
    notes: [
      'With the embedded database and a running hub it goes through that hub, with an API token in TRIBUTARY_TOKEN.',
    ],
    options: {
      limit: { value: 'N', about: 'so many passages at most, 1 to 50; 10 unless said' },
      mode: { value: 'M', about: 'hybrid (unless said), keyword or semantic' },
      platform: { value: 'P', about: 'only documents of this service' },
      ...WHO,
    },
    run: searchDocuments,
  },
  'user create': {
    about: 'creates a user; asks for a password, reads it from standard input, or makes one',
    options: {
      email: { value: 'E', about: 'with which they sign in' },
      name: { value: 'N', about: 'as pages show it' },
      role: { value: 'admin|member', about: 'member unless said' },
      'password-stdin': { about: 'the first line of standard input is the password' },
    },
    run: createUser,
  },
  'token create': {
    about: 'prints an API token of a user, this once',
    options: {
      email: { value: 'E', about: 'whose token it is' },
      name: { value: 'N', about: 'what uses it' },
      days: { value: 'D', about: 'until it expires; never unless said' },
    },
    run: createToken,
  },
  'keys generate': {
    about: 'prints a new SESSION_SECRET and INTEGRATION_ENCRYPTION_KEY; writes nothing',
    options: {},
    run: async () => generateKeys(),
  },
  'keys rotate': {
    about: 'seals all stored grants with the first key, beside a running hub',
    options: {},
    run: rotate,
  },
  'keys forget': {
    about: 'gives up grants whose key is lost; their accounts ask to be reconnected',
    options: {},
    run: forget,
  },
  backup: {
    about: 'writes the embedded database and originals on disk to a file, while the hub is stopped',
    takes: 'FILE',
    options: { force: { about: 'replace a file that is there already' } },
    run: backup,
  },
  restore: {
    about: 'puts such a file into DATA_DIR, while the hub is stopped',
    takes: 'FILE',
    options: { force: { about: 'in the place of what is there, which is lost then' } },
    run: restore,
  },
  'originals prune': {
    about: 'counts, or removes, kept originals that no document has, as after a restore',
    options: { remove: { about: 'remove them' } },
    run: pruneOriginals,
  },
};
