import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { ReadStream } from 'node:tty';
import { Secret } from '../secret.ts';
import { CommandError, type Io } from './io.ts';

/**
 * A new user's password: the first line of standard input, or what is typed twice without being shown, or a generated one
 * where nobody is there to type or nothing was typed. It is never an argument: other users of the machine see those.
 * Errors: CommandError when the input is empty or the two differ.
 */
export async function newPassword(
  io: Pick<Io, 'stdin' | 'stderr'>,
  fromStdin: boolean,
): Promise<{ password: Secret; generated: boolean }> {
  if (fromStdin) {
    const password = await firstLine(io);
    if (password === '') throw new CommandError('No password came on standard input. Pipe it in as one line.');
    return { password: new Secret(password), generated: false };
  }
  if ((io.stdin as Partial<ReadStream>).isTTY) {
    const typed = await askTwice(io);
    if (typed !== '') return { password: new Secret(typed), generated: false };
  }
  return { password: new Secret(randomBytes(18).toString('base64url')), generated: true };
}

async function firstLine({ stdin }: Pick<Io, 'stdin'>): Promise<string> {
  const lines = createInterface({ input: stdin, terminal: false });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
  }
}

async function askTwice({ stdin, stderr }: Pick<Io, 'stdin' | 'stderr'>): Promise<string> {
  // Readline echoes to its output, so that output takes nothing; the questions are written beside it.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: silent, terminal: true });
  // Lines that were pasted at once wait here; the end of the input, Ctrl-C too, ends the iteration.
  const answers = lines[Symbol.asyncIterator]();
  const ask = async (question: string): Promise<string> => {
    stderr.write(question);
    const answer = await answers.next();
    stderr.write('\n');
    if (answer.done) throw new CommandError('The input ended; no user was created.');
    return answer.value;
  };
  try {
    const first = await ask('Password, 12 characters or more (leave empty to have one made): ');
    if (first !== '' && (await ask('The same again: ')) !== first)
      throw new CommandError('The two passwords differ; no user was created. Run the command again.');
    return first;
  } finally {
    lines.close();
  }
}
