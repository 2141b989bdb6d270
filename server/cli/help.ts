import { COMMANDS, type Command, type Option } from './commands.ts';

const COLUMN = 17;
const WIDTH = 100;
const CODES = 'Exit codes: 0 all is well, 1 something failed, 2 called in a wrong way, 130 stopped by Ctrl-C.';

/** The whole help: every command with its options. */
export function help(): string {
  const lines = Object.entries(COMMANDS).flatMap(([name, command]) => [
    `  ${name.padEnd(COLUMN)}${command.about}`,
    ...wrapped(synopsisOf(command), COLUMN + 2),
  ]);
  return `Usage: npm run hub -- <command> [options]

${lines.join('\n')}
  ${'help'.padEnd(COLUMN)}prints this

  --json           the result as one JSON object on standard output
  --help           after a command: what it takes, option by option

${CODES}
A newcomer begins with check.
`;
}

/** What one command takes. */
export function helpOf(name: string, command: Command): string {
  const json: Option = { about: 'the result as one JSON object on standard output' };
  const shown = Object.entries({ ...command.options, json }).map(([option, { value, about }]) => [
    `--${option}${value === undefined ? '' : ` ${value}`}`,
    about,
  ]);
  const width = Math.max(...shown.map(([option = '']) => option.length)) + 2;
  const usage = [`Usage: npm run hub -- ${name}`, command.takes, '[options]'].filter(Boolean).join(' ');
  const about = `${command.about[0]?.toUpperCase()}${command.about.slice(1)}.`;
  return `${usage}

${[about, ...(command.notes ?? [])].join('\n')}

${shown.map(([option = '', text]) => `  ${option.padEnd(width)}${text}`).join('\n')}

${CODES}
All commands: ${Object.keys(COMMANDS).join(', ')}.
`;
}

const synopsisOf = ({ takes, options }: Command): string[] => [
  ...(takes ? [takes] : []),
  ...Object.entries(options).map(([name, { value }]) => `[--${name}${value ? ` ${value}` : ''}]`),
];

/** Words in lines of at most WIDTH, indented. */
function wrapped(words: string[], indent: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && indent + last.length + 1 + word.length <= WIDTH)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => ' '.repeat(indent) + line);
}
