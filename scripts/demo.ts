import { parseConfig, readEnv } from '../server/config.ts';
import { withDevSecrets } from '../server/dev-secrets.ts';
import { startHub } from '../server/hub.ts';
import { createLogger } from '../server/logger.ts';
import { startSandbox } from '../server/sandbox.ts';

/** The login that the demo prints. The demo listens on loopback only. */
const LOGIN = { email: 'admin@example.com', password: 'demo-password' };

/** The hub with stand-ins of the vendors, on the embedded database unless DATABASE_URL is set. */
async function demo(): Promise<void> {
  const env = readEnv();
  const { config: own } = withDevSecrets(parseConfig({ DATA_DIR: './data/demo', SANDBOX: '1', ...env }));
  const sandbox = await startSandbox({
    filesDir: own.sandbox?.filesDir,
    signingKey: own.sessionSecrets[0]?.reveal(),
  });
  const { config } = withDevSecrets(
    parseConfig({
      DATA_DIR: './data/demo',
      LOG_LEVEL: 'warn',
      ADMIN_EMAIL: LOGIN.email,
      ADMIN_PASSWORD: LOGIN.password,
      ...env,
      ...sandbox.env,
      EGRESS_ALLOWED_HOSTS: [env.EGRESS_ALLOWED_HOSTS, sandbox.env.EGRESS_ALLOWED_HOSTS].filter(Boolean).join(','),
      SANDBOX: '1',
    }),
  );
  const hub = await startHub(config, { logger: createLogger(config) });
  const login = config.firstAdmin ?? LOGIN;
  console.log(`
  Tributary is ready: ${config.baseUrl}

    e-mail    ${login.email}
    password  ${env.ADMIN_PASSWORD === undefined ? LOGIN.password : '(ADMIN_PASSWORD)'}

  The services are stand-ins on this machine, serving ${config.sandbox?.filesDir ?? 'a sample company’s documents'}.
  Stop with Ctrl-C.
`);
  let stopping = false;
  const stop = () => {
    if (stopping) process.exit(1);
    stopping = true;
    void hub
      .close()
      .then(() => sandbox.close())
      .then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

demo().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : 'The demo could not start.');
  process.exit(1);
});
