import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import os from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Env } from '../../server/config.ts';

/** The command line as it is in the source, which is the one that can migrate a database; a bundle of it starts in a third of the time. */
export const SOURCE = [
  '--import',
  pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href,
  fileURLToPath(new URL('../../server/cli/main.ts', import.meta.url)),
];

export type Ended = { code: number | null; stdout: string; stderr: string };
export type Running = { ended: Promise<Ended>; stderr(): string; interrupt(): void };

/** Runs a command of the hub, from `SOURCE` or from a file, as a process of its own, with these variables and no others of ours. */
export function startCommand(program: string[], args: string[], env: Env): Running {
  const { PATH, HOME, TMPDIR } = process.env;
  const child = spawn(process.execPath, [...program, ...args], {
    // No `.env` of the project's folder.
    cwd: os.tmpdir(),
    env: { PATH, HOME, TMPDIR, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (part: Buffer) => void (stdout += part.toString()));
  child.stderr.on('data', (part: Buffer) => void (stderr += part.toString()));
  return {
    ended: once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr })),
    stderr: () => stderr,
    interrupt: () => void child.kill('SIGINT'),
  };
}
