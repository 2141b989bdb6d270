import process from 'node:process';

/** Reads `.env` of the working folder into the environment when it is there. A variable that is set already keeps its value. */
export function loadDotEnv(file = '.env'): void {
  try {
    process.loadEnvFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
