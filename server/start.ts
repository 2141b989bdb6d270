import { parseConfig, type Config, type Env } from './config.ts';
import { withDevSecrets } from './dev-secrets.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * The configuration of a start: variables → typed, with the secrets that may be generated, and with `SANDBOX=1` the stand-ins of all vendors
 * started and every endpoint pointed at them. `created` names the files of secrets that were written.
 * Errors: ConfigError; Error naming SANDBOX_FILES.
 */
export async function prepareStart(env: Env): Promise<{ config: Config; created: string[]; sandbox?: Sandbox }> {
  const own = withDevSecrets(parseConfig(env));
  if (!own.config.sandbox) return own;
  // Loaded only where it is asked for: production never has it.
  const { startSandbox } = await import('./sandbox.ts');
  const sandbox = await startSandbox({
    filesDir: own.config.sandbox.filesDir,
    // The same key every time, so that grants outlive a restart.
    signingKey: own.config.sessionSecrets[0]?.reveal(),
  });
  const hosts = [env.EGRESS_ALLOWED_HOSTS, sandbox.env.EGRESS_ALLOWED_HOSTS].filter(Boolean).join(',');
  const { config } = withDevSecrets(parseConfig({ ...env, ...sandbox.env, EGRESS_ALLOWED_HOSTS: hosts }));
  return { config, created: own.created, sandbox };
}
