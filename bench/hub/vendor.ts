import { startGoogleSandbox } from '../../providers/google-drive/sandbox.ts';
import { sandboxAccounts } from '../../providers/sandbox/sandbox-files.ts';

// The stand-in of Google Drive in a process of its own: serves the folder that is named, and prints the variables that lead to it.
const { env } = await startGoogleSandbox({
  accounts: await sandboxAccounts({ filesDir: process.argv[2] }),
  clientId: 'bench.apps.googleusercontent.com',
  clientSecret: 'bench-client-secret',
});
process.stdout.write(`${JSON.stringify(env)}\n`);
