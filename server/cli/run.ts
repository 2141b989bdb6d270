import { parseArgs } from 'node:util';
import { withOrigin } from '../audit/origin.ts';
import { ConfigError } from '../config.ts';
import { createToken, createUser, sentenceOf } from './accounts.ts';
import { withDatabase } from './database.ts';
import { UsageError, type Flags, type Io, type Result } from './io.ts';
import { forget, generateKeys, rotate } from './keys.ts';
import { pruneOriginals } from './originals.ts';
import { reasonOf } from '../checks/reason.ts';

type Option = { type: 'string' | 'boolean' };
type Command = { options: Record<string, Option>; run(io: Io, flags: Flags): Promise<Result> };

const text: Option = { type: 'string' };
const yes: Option = { type: 'boolean' };

const COMMANDS: Record<string, Command> = {
  // The checker loads every part of the hub; the other commands need not wait for that.
  check: { options: {}, run: async (io) => (await import('./check.ts')).check(io) },
  migrate: {
    options: {},
    run: (io) =>
      withDatabase(io, async (_database, _config, applied) => ({
        lines: applied.length > 0 ? applied.map((name) => `Applied ${name}.`) : ['The schema is up to date.'],
        json: { applied },
      })),
  },
  'user create': { options: { email: text, name: text, role: text, 'password-stdin': yes }, run: createUser },
  'token create': { options: { email: text, name: text, days: text }, run: createToken },
  'keys generate': { options: {}, run: async () => generateKeys() },
  'keys rotate': { options: {}, run: rotate },
  'keys forget': { options: {}, run: forget },
  'originals prune': { options: { remove: yes }, run: pruneOriginals },
};

const USAGE = `Usage: npm run hub -- <command> [options]

  check            says of every variable and service whether it is right and what to do if not
  migrate          brings the database's schema up to date
  user create      --email E --name N [--role admin|member] [--password-stdin]
                   asks for a password, reads it from standard input, or makes one
  token create     --email E --name N [--days D]
                   prints an API token of that user, this once
  keys generate    prints a new SESSION_SECRET and INTEGRATION_ENCRYPTION_KEY
  keys rotate      seals all stored grants with the first key, beside a running hub
  keys forget      gives up grants whose key is lost; their accounts ask to be reconnected
  originals prune  [--remove]
                   counts, or removes, kept originals that no document has, as after a restore
  help             prints this

  --json           the result as JSON

Exit codes: 0 done, 1 failed, 2 called in a wrong way.
`;

/** Runs one command. Gives the exit code: 0 done, 1 failed, 2 called in a wrong way. Never throws. */
export async function runCli(args: string[], io: Io): Promise<number> {
  const json = args.includes('--json');
  try {
    const words: string[] = [];
    for (const arg of args) {
      if (arg.startsWith('-')) break;
      words.push(arg);
    }
    const name = words.join(' ');
    if (name === 'help' || args.includes('--help') || args.includes('-h') || args.length === 0) {
      io.stdout.write(USAGE);
      return 0;
    }
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) throw new UsageError(name ? `There is no command "${name}".` : 'The command is missing.');
    const flags = parseFlags(args.slice(words.length), command.options);
    const result = await withOrigin({ kind: 'command' }, () => command.run(io, flags));
    io.stdout.write(json ? `${JSON.stringify(result.json)}\n` : result.lines.map((line) => `${line}\n`).join(''));
    if (result.note && !json) io.stderr.write(`${result.note}\n`);
    return result.failed ? 1 : 0;
  } catch (error) {
    const usage = error instanceof UsageError;
    const message = describe(error);
    if (json) io.stderr.write(`${JSON.stringify({ error: message })}\n`);
    else io.stderr.write(usage ? `${message}\n\n${USAGE}` : `${message}\n`);
    return usage ? 2 : 1;
  }
}

function parseFlags(args: string[], options: Record<string, Option>): Flags {
  try {
    return parseArgs({ args, options: { ...options, json: yes }, strict: true, allowPositionals: false })
      .values as Flags;
  } catch (error) {
    // Node's own words name the option, but quote a stray argument, which may be a password.
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageError(
      code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL'
        ? 'There is an argument without an option in front of it.'
        : (message.split('. ')[0] ?? message).replace(/\.?$/, '.'),
    );
  }
}

/** Errors thrown on purpose say what to do; of others the driver's own sentence is the best there is. */
function describe(error: unknown): string {
  if (error instanceof UsageError || error instanceof ConfigError) return error.message;
  return sentenceOf(error) ?? `It failed: ${reasonOf(error)}.`;
}
