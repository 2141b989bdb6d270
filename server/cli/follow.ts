import { pause } from '../api/connection.ts';
import type { Desk, Progress } from './desk.ts';
import type { Io } from './io.ts';
import { createProgressLine } from './progress.ts';

const LOOK_MS = 700;
/** An import that no worker has begun with for so long is carried out by the command itself. */
const PATIENCE_MS = 8000;
/** A second signal that comes with the first is the same one, passed on by who started this process. */
const SAME_SIGNAL_MS = 1000;

/** Ctrl-C, until it is let go: the first stops following, a later one ends the process at once. */
export function onInterrupt(): { signal: AbortSignal; release(): void } {
  const stopped = new AbortController();
  let at: number | undefined;
  const listener = () => {
    if (at !== undefined && Date.now() - at > SAME_SIGNAL_MS) process.exit(130);
    at ??= Date.now();
    stopped.abort();
  };
  process.on('SIGINT', listener);
  return { signal: stopped.signal, release: () => void process.off('SIGINT', listener) };
}

/**
 * Shows an import's progress until it has ended, or waits for a person's answer. Undefined: the signal fired first. Where workers may run beside this
 * process and none begins, this process becomes one.
 */
export async function followImport(
  io: Io,
  desk: Desk,
  importId: string,
  options: { label: string; quiet: boolean; signal: AbortSignal },
): Promise<Progress | undefined> {
  const line = createProgressLine(io, options.label, options);
  const until = Date.now() + PATIENCE_MS;
  let { helpers } = desk;
  try {
    for (;;) {
      const progress = await desk.progress(importId);
      if (progress.import.finishedAt !== null || progress.import.held) return progress;
      line.show(progress.import);
      if (helpers && hasBegun(progress)) helpers = undefined;
      if (helpers && Date.now() > until && !(await helpers.isAnyoneWorking())) {
        line.end();
        io.stderr.write(
          'No worker has begun with it, so this command does the work itself; a worker that starts joins in.\n',
        );
        await helpers.beginWork();
        helpers = undefined;
      }
      await pause(LOOK_MS, options.signal);
      if (options.signal.aborted) return undefined;
    }
  } finally {
    line.end();
  }
}

const hasBegun = ({ import: { counts, progress } }: Progress): boolean =>
  counts.waiting < counts.total || Object.values(progress?.stages ?? {}).some((items) => items > 0);
