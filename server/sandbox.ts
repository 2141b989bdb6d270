import { startGoogleSandbox } from '../providers/google-drive/sandbox.ts';
import { sandboxAccounts } from '../providers/sandbox/sandbox-files.ts';
import type { Env } from './config.ts';

export type Sandbox = {
  /** The endpoint overrides and client settings that point the hub at the stand-ins. */
  env: Env;
  google: Awaited<ReturnType<typeof startGoogleSandbox>>;
  close(): Promise<void>;
};

/**
 * Starts the stand-ins of the vendors on loopback. With a `signingKey` that stays the same, grants outlive a restart.
 * Errors: Error naming SANDBOX_FILES when that folder does not exist.
 */
export async function startSandbox(
  options: { filesDir?: string; port?: number; signingKey?: string } = {},
): Promise<Sandbox> {
  const accounts = await sandboxAccounts({ filesDir: options.filesDir });
  const google = await startGoogleSandbox({
    accounts,
    clientId: 'tributary-demo.apps.googleusercontent.com',
    clientSecret: 'demo-client-secret',
    port: options.port,
    signingKey: options.signingKey,
  });
  return { env: google.env, google, close: () => google.close() };
}
