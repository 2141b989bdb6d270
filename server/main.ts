import { setFlagsFromString } from 'node:v8';
import { readEnv } from './config.ts';
import { loadDotEnv } from './dot-env.ts';
import { startHub } from './hub.ts';
import { createLogger } from './logger.ts';
import { prepareStart } from './start.ts';

/**
 * Percent by which a heap may grow before its garbage is looked for, in every thread. V8 lets it grow to four times what is in use, which
 * documents that pass through make garbage of.
 */
const HEAP_GROWTH = 30;
/** After the drain. Supervisors kill what does not end soon after their signal. Then it is better to have ended by oneself: what is in hand is lost to nobody. */
const STOP_WITHIN_MS = 9500;

/** Production's entry: configuration → hub, until a signal asks it to stop. Exit code 1 when it could not start. */
async function main(): Promise<void> {
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`);
  loadDotEnv();
  const { config, created, sandbox } = await prepareStart(readEnv());
  const logger = createLogger(config);
  for (const file of created) logger.info({ file }, 'a secret was generated; keep this file');
  const hub = await startHub(config, { logger });
  console.log(
    hub.url ? `Tributary is ready on ${config.baseUrl} (listening on ${hub.url})` : 'Tributary worker is ready',
  );

  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    logger.info({ signal }, 'stopping');
    setTimeout(
      () => {
        logger.error('the hub did not stop in time');
        process.exit(1);
      },
      config.operations.drainSeconds * 1000 + STOP_WITHIN_MS,
    ).unref();
    hub
      .close()
      .then(() => sandbox?.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          logger.error({ err: error }, 'the hub did not stop cleanly');
          process.exit(1);
        },
      );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : 'The hub could not start.');
  process.exit(1);
});
