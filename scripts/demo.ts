import { readEnv } from '../server/config.ts';
import { startHub } from '../server/hub.ts';
import { createLogger } from '../server/logger.ts';
import { prepareStart } from '../server/start.ts';

/** The login that the demo prints. The demo listens on loopback only. */
const LOGIN = { email: 'admin@example.com', password: 'demo-password' };

/** The hub with stand-ins of the vendors, on the embedded database unless DATABASE_URL is set. */
async function demo(): Promise<void> {
  const env = {
    DATA_DIR: './data/demo',
    LOG_LEVEL: 'warn',
    ADMIN_EMAIL: LOGIN.email,
    ADMIN_PASSWORD: LOGIN.password,
    ...Object.fromEntries(Object.entries(readEnv()).filter(([, value]) => value !== undefined)),
    SANDBOX: '1',
  };
  const { config, sandbox } = await prepareStart(env);
  const hub = await startHub(config, { logger: createLogger(config) });
  console.log(`
  Tributary is ready: ${config.baseUrl}

    e-mail    ${env.ADMIN_EMAIL}
    password  ${env.ADMIN_PASSWORD === LOGIN.password ? LOGIN.password : '(ADMIN_PASSWORD)'}

  The services are stand-ins on this machine, serving ${config.sandbox?.filesDir ?? 'a sample company’s documents'}.
  Stop with Ctrl-C.
`);
  let stopping = false;
  const stop = () => {
    if (stopping) process.exit(1);
    stopping = true;
    void hub
      .close()
      .then(() => sandbox?.close())
      .then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

demo().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : 'The demo could not start.');
  process.exit(1);
});
