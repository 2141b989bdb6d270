import { parseArgs } from 'node:util';
import { withOrigin } from '../audit/origin.ts';
import { ConfigError } from '../config.ts';
import { sentenceOf } from './accounts.ts';
import { COMMANDS, type Command } from './commands.ts';
import { help, helpOf } from './help.ts';
import { UsageError, type Flags, type Io } from './io.ts';
import { reasonOf } from '../checks/reason.ts';

/** Runs one command. Gives the exit code: 0 all is well, 1 failed, 2 called in a wrong way, 130 stopped by Ctrl-C. Never throws. */
export async function runCli(args: string[], io: Io): Promise<number> {
  const json = args.includes('--json');
  const found = commandOf(args);
  try {
    if (args[0] === 'help' || args.includes('--help') || args.includes('-h') || args.length === 0) {
      io.stdout.write(found ? helpOf(found.name, found.command) : help());
      return 0;
    }
    if (!found) {
      const name = leadingWords(args).join(' ');
      throw new UsageError(name ? `There is no command "${name}".` : 'The command is missing.');
    }
    const { flags, words } = parse(found.rest, found.command);
    const result = await withOrigin({ kind: 'command' }, () => found.command.run(io, flags, words));
    io.stdout.write(json ? `${JSON.stringify(result.json)}\n` : result.lines.map((line) => `${line}\n`).join(''));
    if (result.note && !json) io.stderr.write(`${result.note}\n`);
    return result.interrupted ? 130 : result.failed ? 1 : 0;
  } catch (error) {
    const usage = error instanceof UsageError;
    const message = describe(error);
    const hint = `See npm run hub -- ${found ? `${found.name} --help` : 'help'}`;
    if (json) io.stderr.write(`${JSON.stringify({ error: message })}\n`);
    else io.stderr.write(usage ? `${message}\n${hint}\n` : `${message}\n`);
    return usage ? 2 : 1;
  }
}

function leadingWords(args: string[]): string[] {
  const end = args.findIndex((arg) => arg.startsWith('-'));
  return end < 0 ? args : args.slice(0, end);
}

/** The command that the first words name, and what comes after its name. */
function commandOf(args: string[]): { name: string; command: Command; rest: string[] } | undefined {
  const start = args[0] === 'help' ? 1 : 0;
  const words = leadingWords(args.slice(start));
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const command = words.length >= length && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (command) return { name, command, rest: args.slice(start + length) };
  }
  return undefined;
}

function parse(args: string[], command: Command): { flags: Flags; words: string[] } {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { value }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { ...options, json: { type: 'boolean' } },
      strict: true,
      allowPositionals: command.takes !== undefined,
    });
    return { flags: values as Flags, words: positionals };
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
