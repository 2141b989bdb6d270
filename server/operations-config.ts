import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import type { Env } from './config.ts';
import { Secret } from './secret.ts';

/** What an operator sees of a running process, and how it ends. */
export type OperationsConfig = {
  /** Seconds between the signal to stop and the end of serving, in which the hub says that it is not ready. */
  drainSeconds: number;
  metrics: {
    /** Lets a scraper read the metrics; without it they are not on the port of the pages. */
    token?: Secret;
    /** A port of its own for metrics and health, which workers have too. */
    listener?: { port: number; host: string };
  };
};

type Readers = {
  problems: string[];
  take: <T>(name: string, schema: z.ZodType<T>, fallback: T, hint: string) => T;
  wholeNumber: (name: string, fallback: number, min: number, max: number) => number;
};

/** What the variables say of health, metrics and the stop. Every problem is added to `problems`. */
export function parseOperations(env: Env, { problems, take, wholeNumber }: Readers): OperationsConfig {
  const token = take(
    'METRICS_TOKEN',
    z
      .string()
      .min(16)
      .transform((value) => new Secret(value)),
    undefined as Secret | undefined,
    'must have 16 characters or more, for example what `openssl rand -hex 32` prints',
  );
  const port = env.METRICS_PORT === undefined ? undefined : wholeNumber('METRICS_PORT', 9464, 0, 65535);
  const host = env.METRICS_HOST ?? '127.0.0.1';
  if (port === undefined && env.METRICS_HOST !== undefined)
    problems.push('METRICS_HOST: needs METRICS_PORT, for example 9464');
  if (port !== undefined && !isLoopback(host) && env.METRICS_TOKEN === undefined)
    problems.push(
      'METRICS_HOST: can be reached from other machines, so METRICS_TOKEN is needed too; or unset it to listen on 127.0.0.1',
    );
  return {
    drainSeconds: wholeNumber('DRAIN_SECONDS', 0, 0, 600),
    metrics: { token, listener: port === undefined ? undefined : { port, host } },
  };
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

const isLoopback = (host: string): boolean =>
  host === 'localhost' || (isIP(host) !== 0 && loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4'));
