import process from 'node:process';
import { readEnv } from '../config.ts';
import { loadDotEnv } from '../dot-env.ts';
import { runCli } from './run.ts';

loadDotEnv();
process.exitCode = await runCli(process.argv.slice(2), {
  env: readEnv(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
});
