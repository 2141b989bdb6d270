import { Writable } from 'node:stream';
import type { Logger } from 'pino';
import type { Config } from '../../server/config.ts';
import { createLogger } from '../../server/logger.ts';

/** A logger whose lines are kept; `logs` gives all that were written so far. */
export function keepLogs(logLevel: Config['logLevel'] = 'debug'): { logger: Logger; logs: () => string } {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'));
      done();
    },
  });
  return { logger: createLogger({ logLevel }, destination), logs: () => lines.join('') };
}
