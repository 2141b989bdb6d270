import { sandboxSites } from '../providers/atlassian/sandbox-sites.ts';
import { startAtlassianSandbox } from '../providers/atlassian/sandbox.ts';
import { startDropboxSandbox } from '../providers/dropbox/sandbox.ts';
import { startGoogleSandbox } from '../providers/google-drive/sandbox.ts';
import { startMicrosoftSandbox } from '../providers/microsoft-365/sandbox.ts';
import { sandboxAccounts } from '../providers/sandbox/sandbox-files.ts';
import type { Env } from './config.ts';

export type Sandbox = {
  /** The endpoint overrides and client settings that point the hub at the stand-ins. */
  env: Env;
  google: Awaited<ReturnType<typeof startGoogleSandbox>>;
  microsoft: Awaited<ReturnType<typeof startMicrosoftSandbox>>;
  dropbox: Awaited<ReturnType<typeof startDropboxSandbox>>;
  atlassian: Awaited<ReturnType<typeof startAtlassianSandbox>>;
  close(): Promise<void>;
};

/**
 * Starts the stand-ins of all vendors on loopback, each on a free port. With a `signingKey` that stays the same, grants outlive a restart.
 * Errors: Error naming SANDBOX_FILES when that folder does not exist.
 */
export async function startSandbox(options: { filesDir?: string; signingKey?: string } = {}): Promise<Sandbox> {
  const accounts = await sandboxAccounts({ filesDir: options.filesDir });
  const { signingKey } = options;
  const google = await startGoogleSandbox({
    accounts,
    clientId: 'tributary-demo.apps.googleusercontent.com',
    clientSecret: 'demo-client-secret',
    signingKey,
  });
  const microsoft = await startMicrosoftSandbox({
    accounts,
    clientId: 'c0ffee00-0000-4000-8000-000000000001',
    clientSecret: 'demo-client-secret',
    signingKey,
  });
  const dropbox = await startDropboxSandbox({
    accounts,
    appKey: 'demoappkey',
    appSecret: 'demo-app-secret',
    signingKey,
  });
  const atlassian = await startAtlassianSandbox({
    accounts,
    sites: await sandboxSites(accounts, options),
    clientId: 'tributarydemoatlassianclientid00',
    clientSecret: 'demo-client-secret',
    signingKey,
  });
  const all = [google, microsoft, dropbox, atlassian];
  // Hosts that no other variable names.
  const hosts = all.map(({ env }) => env.EGRESS_ALLOWED_HOSTS).filter(Boolean);
  return {
    env: {
      ...google.env,
      ...microsoft.env,
      ...dropbox.env,
      ...atlassian.env,
      // Their own apps to sign in with, where there are such, are not known to the stand-ins.
      SSO_GOOGLE_CLIENT_ID: google.env.GOOGLE_CLIENT_ID,
      SSO_GOOGLE_CLIENT_SECRET: google.env.GOOGLE_CLIENT_SECRET,
      SSO_ATLASSIAN_CLIENT_ID: atlassian.env.ATLASSIAN_CLIENT_ID,
      SSO_ATLASSIAN_CLIENT_SECRET: atlassian.env.ATLASSIAN_CLIENT_SECRET,
      EGRESS_ALLOWED_HOSTS: hosts.join(','),
    },
    google,
    microsoft,
    dropbox,
    atlassian,
    close: async () => void (await Promise.all(all.map((vendor) => vendor.close()))),
  };
}
