import { loadEnvFile } from 'node:process';
import { existsSync } from 'node:fs';
import { startGoogleSandbox } from '../providers/google-drive/sandbox.ts';
import { sandboxAccounts } from '../providers/sandbox/sandbox-files.ts';
import { ConfigError, parseConfig, readEnv } from './config.ts';
import { startHub } from './hub.ts';
import { createLogger } from './logger.ts';

/** Environment → configuration → hub, until SIGTERM or Ctrl-C; then everything closes in reverse. */
async function main(): Promise<void> {
  if (existsSync('.env')) loadEnvFile('.env');
  const env = readEnv();
  const first = parseConfig(env);
  const sandbox = first.sandbox
    ? await startGoogleSandbox({
        accounts: await sandboxAccounts(first.sandbox),
        clientId: 'sandbox-client',
        clientSecret: 'sandbox-secret',
      })
    : undefined;
  const config = sandbox ? parseConfig({ ...env, ...sandbox.env }) : first;
  const logger = createLogger(config);
  const hub = await startHub(config, { logger });
  console.log(`Tributary is ready on ${hub.url}`);

  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      logger.info({ signal }, 'stopping');
      void hub.close().then(async () => {
        await sandbox?.close();
        process.exit(0);
      });
    });
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exitCode = 1;
});
