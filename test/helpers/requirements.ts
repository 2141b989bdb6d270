import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const said = new Set<string>();

/** Says once, in one line, what this run leaves out and why. With REQUIRE_ALL=1 it throws instead. */
export function notRun(what: string, reason: string): void {
  const line = `Not run: ${what}: ${reason}.`;
  if (process.env.REQUIRE_ALL === '1') throw new Error(`${line} REQUIRE_ALL=1 asks for everything.`);
  if (!said.has(line)) console.log(line);
  said.add(line);
}

/** Path of a Chromium or Chrome on this machine, if there is one. */
export function findChromium(): string | undefined {
  const candidates = [
    process.env.CHROMIUM,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ];
  return candidates.find((candidate) => candidate !== undefined && existsSync(candidate));
}

/** A file of the reference material that may lie beside the project (vendors' contracts, real documents); undefined in most clones. */
export function referencePath(...segments: string[]): string | undefined {
  const file = path.join(fileURLToPath(new URL('../../../shared/', import.meta.url)), ...segments);
  return existsSync(file) ? file : undefined;
}
